//! A server of its own for one explanation: the engine, driven by hand, with one client and a clock that stands still.
//! examples/embedded.rs says how that goes.
use crate::engine::{Address, Budget, ByHand, Client, ClientId, Config, Engine, Now, Step, Wish};

pub struct Fresh {
    engine: Engine,
    client: ClientId,
    host: ByHand,
}

impl Fresh {
    pub fn new(now: Now, entropy: [u8; 32]) -> Fresh {
        let mut engine = Engine::new(Config::default(), entropy, now);
        let client = engine.open(Address::Embedded, now).expect("there is room for one");
        Fresh { engine, client, host: ByHand::at(now) }
    }

    /// Sends bytes, and returns what the server says to them.
    pub fn say(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        let (Fresh { engine, client, host }, mut said) = (self, vec![]);
        loop {
            let room = engine.space(*client);
            let count = room.len().min(bytes.len());
            room[..count].copy_from_slice(&bytes[..count]);
            bytes = &bytes[count..];
            if count > 0 {
                engine.filled(*client, count);
            }
            let mut now = host.now;
            let step = engine.step(*client, &mut now, Budget::default(), host);
            let before = said.len();
            said.extend(engine.pending(*client).flatten());
            engine.wrote(*client, said.len() - before);
            let stuck = count == 0 && said.len() == before && step != Step::More;
            if engine.closing(*client).is_some() || stuck || bytes.is_empty() && step != Step::More {
                return said;
            }
        }
    }

    pub fn client(&self) -> &Client {
        self.engine.client(self.client)
    }

    /// It was told to end.
    pub fn ends(&mut self) -> bool {
        self.engine.next_wish() == Some(Wish::Shutdown)
    }

    pub fn has_closed(&self) -> bool {
        self.engine.closing(self.client).is_some()
    }
}
