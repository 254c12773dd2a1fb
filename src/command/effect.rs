//! What a command wants beside data and reply. It asks; the engine does it when the command has ended.
use crate::server::clients::ClientId;
use crate::wire::message::Message;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing more of this client is run; it is closed when its output is sent.
    CloseAfterReply(ClientId),
    /// Closed with what it has.
    Kill(ClientId),
    /// Ends a wait: with a null as at its deadline, or with an error.
    Unblock { client: ClientId, error: bool },
    /// A message to the next `count` of the `receivers` (server/pubsub.rs).
    Deliver { message: Box<Message>, count: usize },
    /// The pause is over: what was postponed runs.
    Resume,
    /// SHUTDOWN, with its options judged.
    Shutdown,
}
