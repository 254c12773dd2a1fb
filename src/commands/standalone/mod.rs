//! What a server says that stands alone: it has no cluster (`cluster`), no replicas and no master (`replication`) and no
//! modules (`module`). The texts are those of a Redis in which they are off.
mod cluster;
mod module;
mod replication;

pub use {cluster::*, module::*, replication::*};
