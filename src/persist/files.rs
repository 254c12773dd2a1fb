//! Files that hold the data: written beside the old one, which they replace when they are whole and on the disk; read from
//! their beginning. `Disk` has real ones, `Memory` is for tests and fails where it is told to. What stands in them is not
//! known here.
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::rc::Rc;

pub trait Files {
    /// Begins a file that is to be called so. Nobody sees it before `NewFile::finish`.
    fn create(&mut self, name: &str) -> io::Result<Box<dyn NewFile>>;
    /// `None`: there is no such file.
    fn open(&mut self, name: &str) -> io::Result<Option<OldFile>>;
}

/// One that is dropped before it is finished leaves nothing behind.
pub trait NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// It is on the disk, and has its name, whatever happens from now on.
    fn finish(&mut self) -> io::Result<()>;
}

pub struct OldFile {
    pub bytes: Box<dyn Read>,
    pub length: u64,
}

/// For who has none.
#[derive(Debug, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn create(&mut self, _: &str) -> io::Result<Box<dyn NewFile>> {
        Err(io::Error::other("there are no files here"))
    }

    fn open(&mut self, _: &str) -> io::Result<Option<OldFile>> {
        Ok(None)
    }
}

// --- The real ones

/// Names count from the directory that the process is in.
#[derive(Debug, Default)]
pub struct Disk;

struct Beside {
    file: File,
    own_name: String,
    name: String,
    finished: bool,
}

impl Files for Disk {
    fn create(&mut self, name: &str) -> io::Result<Box<dyn NewFile>> {
        // As Redis calls it. One may be there from a process that was killed and had our number.
        let own_name = format!("temp-{}.rdb", std::process::id());
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(&own_name)?;
        Ok(Box::new(Beside { file, own_name, name: name.into(), finished: false }))
    }

    fn open(&mut self, name: &str) -> io::Result<Option<OldFile>> {
        let file = match File::open(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let length = file.metadata()?.len();
        Ok(Some(OldFile { bytes: Box::new(file), length }))
    }
}

impl NewFile for Beside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.own_name, &self.name)?;
        self.finished = true;
        let directory = Path::new(&self.name).parent().filter(|path| !path.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.finished {
            let _ = fs::remove_file(&self.own_name);
        }
    }
}

// --- For tests

/// Files that are only remembered. Clones are the same files.
#[derive(Clone, Debug, Default)]
pub struct Memory(Rc<RefCell<Remembered>>);

#[derive(Debug, Default)]
struct Remembered {
    files: BTreeMap<String, Vec<u8>>,
    /// The disk is full after so many bytes more.
    room: Option<usize>,
    /// What is written cannot be given its name.
    unfinished: bool,
}

struct Draft {
    memory: Memory,
    name: String,
    bytes: Vec<u8>,
}

impl Memory {
    pub fn get(&self, name: &str) -> Option<Vec<u8>> {
        self.0.borrow().files.get(name).cloned()
    }

    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        self.0.borrow_mut().files.insert(name.into(), bytes);
    }

    /// From now on there is room for so many bytes more.
    pub fn fill_up(&self, room: Option<usize>) {
        self.0.borrow_mut().room = room;
    }

    pub fn refuse_to_finish(&self, refuse: bool) {
        self.0.borrow_mut().unfinished = refuse;
    }
}

impl Files for Memory {
    fn create(&mut self, name: &str) -> io::Result<Box<dyn NewFile>> {
        Ok(Box::new(Draft { memory: self.clone(), name: name.into(), bytes: vec![] }))
    }

    fn open(&mut self, name: &str) -> io::Result<Option<OldFile>> {
        let old = |bytes: Vec<u8>| OldFile { length: bytes.len() as u64, bytes: Box::new(io::Cursor::new(bytes)) };
        Ok(self.get(name).map(old))
    }
}

impl NewFile for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(room) = &mut self.memory.0.borrow_mut().room {
            *room = room.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        if self.memory.0.borrow().unfinished {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.memory.put(&self.name, std::mem::take(&mut self.bytes));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(file: OldFile) -> Vec<u8> {
        let (mut bytes, mut file) = (vec![], file);
        file.bytes.read_to_end(&mut bytes).expect("it is read");
        assert_eq!(file.length, bytes.len() as u64);
        bytes
    }

    #[test]
    #[cfg_attr(miri, ignore = "real files")]
    fn a_file_is_replaced_when_it_is_whole_and_not_before() {
        let directory = std::env::temp_dir().join(format!("spindle-files-{}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir(&directory).unwrap();
        let path = directory.join("a.rdb");
        let (name, mut disk) = (path.to_str().unwrap(), Disk);
        assert!(disk.open(name).unwrap().is_none());
        let mut file = disk.create(name).unwrap();
        file.write(b"old").unwrap();
        assert!(disk.open(name).unwrap().is_none());
        file.finish().unwrap();
        let mut next = disk.create(name).unwrap();
        next.write(b"new").unwrap();
        drop(next);
        assert_eq!(content(disk.open(name).unwrap().unwrap()), b"old");
        assert!(!fs::exists(format!("temp-{}.rdb", std::process::id())).unwrap());
        let nowhere = directory.join("nowhere/a.rdb");
        let mut file = disk.create(nowhere.to_str().unwrap()).unwrap();
        assert_eq!(file.finish().unwrap_err().kind(), io::ErrorKind::NotFound);
        fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn memory_fails_where_it_is_told_to() {
        let mut memory = Memory::default();
        memory.fill_up(Some(4));
        let mut file = memory.create("a").unwrap();
        file.write(b"1234").unwrap();
        assert_eq!(file.write(b"5").unwrap_err().kind(), io::ErrorKind::StorageFull);
        memory.refuse_to_finish(true);
        assert!(file.finish().is_err() && memory.open("a").unwrap().is_none());
        memory.refuse_to_finish(false);
        file.finish().unwrap();
        assert_eq!(content(memory.open("a").unwrap().unwrap()), b"1234");
    }
}
