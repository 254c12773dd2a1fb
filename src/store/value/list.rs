//! Lists.
use super::Collection;
use std::collections::VecDeque;

#[derive(Clone, Debug, Default)]
pub struct List {
    elements: VecDeque<Box<[u8]>>,
    bytes: usize,
}

impl Collection for List {
    const TYPE: &'static str = "list";

    fn encoding(&self) -> &'static str {
        "quicklist"
    }

    fn len(&self) -> usize {
        self.elements.len()
    }

    fn heap_bytes(&self) -> usize {
        self.bytes
    }

    fn pieces(&self) -> usize {
        self.elements.len()
    }

    fn shed(&mut self, most: usize) -> bool {
        self.elements.truncate(self.elements.len().saturating_sub(most));
        !self.elements.is_empty()
    }
}

impl List {
    pub fn push_back(&mut self, element: &[u8]) {
        self.bytes += element.len();
        self.elements.push_back(element.into());
    }

    pub fn pop_front(&mut self) -> Option<Box<[u8]>> {
        let element = self.elements.pop_front()?;
        self.bytes -= element.len();
        Some(element)
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.elements.iter().map(|element| &**element)
    }
}
