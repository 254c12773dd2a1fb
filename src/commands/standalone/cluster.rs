//! CLUSTER, and what clients of a cluster say of their connection. A server that is no node of a cluster refuses all of
//! it in the same words, HELP too, and looks at nothing before but the number of words.
use crate::commands::prelude::*;

/// So many words, or at least so many `[2]`; and the facts.
macro_rules! refused {
    ($($name:ident $words:tt: $facts:expr;)+) => { $(refused! { @form $name $words $facts })+ };
    (@form $name:ident 0 $facts:expr) => { form! { pub $name {} } refused! { @command [$name] $facts } };
    (@form $name:ident 1 $facts:expr) => {
        form! { pub $name<'a> { argument: Bytes<'a> } }
        refused! { @command [$name<'a>] $facts }
    };
    (@form $name:ident 2 $facts:expr) => {
        form! { pub $name<'a> { argument: Bytes<'a>, last: Bytes<'a> } }
        refused! { @command [$name<'a>] $facts }
    };
    (@form $name:ident [0] $facts:expr) => {
        form! { pub $name<'a> { arguments: Any<'a, Bytes<'a>> } }
        refused! { @command [$name<'a>] $facts }
    };
    (@form $name:ident [1] $facts:expr) => {
        form! { pub $name<'a> { arguments: Many<'a, Bytes<'a>> } }
        refused! { @command [$name<'a>] $facts }
    };
    (@form $name:ident [2] $facts:expr) => {
        form! { pub $name<'a> { first: Bytes<'a>, arguments: Many<'a, Bytes<'a>> } }
        refused! { @command [$name<'a>] $facts }
    };
    (@command [$($form:tt)*] $facts:expr) => {
        impl<'a> Command<'a> for $($form)* {
            const FACTS: Facts = $facts;
            fn run(self, _: &mut Context) -> Ran {
                Err(Refusal::NoCluster)
            }
        }
    };
}

/// What nodes know differs by node, and from one moment to the next.
const VARIES: &[&str] = &["nondeterministic_output"];
/// Of a command that changes the cluster.
const CHANGE: u32 = ADMIN | STALE | NO_ASYNC_LOADING;

const fn cluster(name: &'static str, since: &'static str, flags: u32, summary: &'static str) -> Facts {
    facts(name, "cluster", since, flags, summary)
}

// --- CLUSTER subcommand [argument ...]
form! { pub Cluster<'a> { subcommand: Bytes<'a>, arguments: Any<'a, Bytes<'a>> } }
impl<'a> Command<'a> for Cluster<'a> {
    const FACTS: Facts = cluster("CLUSTER", "3.0.0", 0, "Holds the commands for nodes of a cluster.");
    fn run(self, _: &mut Context) -> Ran {
        unreachable!("a container does not run")
    }
}

refused! {
    // --- ASKING
    Asking 0: cluster("ASKING", "3.0.0", FAST, "Lets the next command ask for a slot that is being taken over.")
        .and(category::CONNECTION);
    // --- READONLY
    Readonly 0: cluster("READONLY", "3.0.0", LOADING | STALE | FAST, "Lets this connection read from a replica.")
        .and(category::CONNECTION);
    // --- READWRITE
    Readwrite 0: cluster("READWRITE", "3.0.0", LOADING | STALE | FAST, "Takes READONLY back.")
        .and(category::CONNECTION);
    // --- CLUSTER ADDSLOTS slot [slot ...]
    ClusterAddslots [1]: cluster("CLUSTER|ADDSLOTS", "3.0.0", CHANGE, "Gives slots to this node.");
    // --- CLUSTER ADDSLOTSRANGE start-slot end-slot [start-slot end-slot ...]
    ClusterAddslotsrange [2]: cluster("CLUSTER|ADDSLOTSRANGE", "7.0.0", CHANGE, "Gives ranges of slots to this node.");
    // --- CLUSTER BUMPEPOCH
    ClusterBumpepoch 0: cluster("CLUSTER|BUMPEPOCH", "3.0.0", CHANGE, "Raises the epoch of the configuration.")
        .hint(VARIES);
    // --- CLUSTER COUNT-FAILURE-REPORTS node-id
    ClusterCountFailureReports 1: cluster("CLUSTER|COUNT-FAILURE-REPORTS", "3.0.0", ADMIN | STALE, "Tells how many nodes say that a node fails.")
        .hint(VARIES);
    // --- CLUSTER COUNTKEYSINSLOT slot
    ClusterCountkeysinslot 1: cluster("CLUSTER|COUNTKEYSINSLOT", "3.0.0", STALE, "Counts the keys of a slot.");
    // --- CLUSTER DELSLOTS slot [slot ...]
    ClusterDelslots [1]: cluster("CLUSTER|DELSLOTS", "3.0.0", CHANGE, "Takes slots from this node.");
    // --- CLUSTER DELSLOTSRANGE start-slot end-slot [start-slot end-slot ...]
    ClusterDelslotsrange [2]: cluster("CLUSTER|DELSLOTSRANGE", "7.0.0", CHANGE, "Takes ranges of slots from this node.");
    // --- CLUSTER FAILOVER [FORCE | TAKEOVER]
    ClusterFailover [0]: cluster("CLUSTER|FAILOVER", "3.0.0", CHANGE, "Makes a replica the master.");
    // --- CLUSTER FLUSHSLOTS
    ClusterFlushslots 0: cluster("CLUSTER|FLUSHSLOTS", "3.0.0", CHANGE, "Takes all slots from this node.");
    // --- CLUSTER FORGET node-id
    ClusterForget 1: cluster("CLUSTER|FORGET", "3.0.0", CHANGE, "Strikes a node off the list.");
    // --- CLUSTER GETKEYSINSLOT slot count
    ClusterGetkeysinslot 2: cluster("CLUSTER|GETKEYSINSLOT", "3.0.0", STALE, "Returns keys of a slot.").hint(VARIES);
    // --- CLUSTER HELP
    ClusterHelp 0: cluster("CLUSTER|HELP", "5.0.0", LOADING | STALE, "Shows what there would be in a cluster.");
    // --- CLUSTER INFO
    ClusterInfo 0: cluster("CLUSTER|INFO", "3.0.0", STALE, "Tells how the cluster fares.").hint(VARIES);
    // --- CLUSTER KEYSLOT key
    ClusterKeyslot 1: cluster("CLUSTER|KEYSLOT", "3.0.0", STALE, "Tells the slot of a key.");
    // --- CLUSTER LINKS
    ClusterLinks 0: cluster("CLUSTER|LINKS", "7.0.0", STALE, "Lists the connections to other nodes.").hint(VARIES);
    // --- CLUSTER MEET ip port [cluster-bus-port]
    ClusterMeet [2]: cluster("CLUSTER|MEET", "3.0.0", CHANGE, "Joins the cluster of another node.");
    // --- CLUSTER MYID
    ClusterMyid 0: cluster("CLUSTER|MYID", "3.0.0", STALE, "Tells the name of this node.");
    // --- CLUSTER MYSHARDID
    ClusterMyshardid 0: cluster("CLUSTER|MYSHARDID", "7.2.0", STALE, "Tells the name of the shard that this node belongs to.")
        .hint(VARIES);
    // --- CLUSTER NODES
    ClusterNodes 0: cluster("CLUSTER|NODES", "3.0.0", STALE, "Describes each node in a line.").hint(VARIES);
    // --- CLUSTER REPLICAS node-id
    ClusterReplicas 1: cluster("CLUSTER|REPLICAS", "5.0.0", ADMIN | STALE, "Describes the replicas of a node.")
        .hint(VARIES);
    // --- CLUSTER REPLICATE node-id
    ClusterReplicate 1: cluster("CLUSTER|REPLICATE", "3.0.0", CHANGE, "Makes this node a replica of another.");
    // --- CLUSTER RESET [HARD | SOFT]
    ClusterReset [0]: cluster("CLUSTER|RESET", "3.0.0", ADMIN | NOSCRIPT | STALE, "Lets this node forget the cluster.");
    // --- CLUSTER SAVECONFIG
    ClusterSaveconfig 0: cluster("CLUSTER|SAVECONFIG", "3.0.0", CHANGE, "Writes the state of the node to its file.");
    // --- CLUSTER SET-CONFIG-EPOCH config-epoch
    ClusterSetConfigEpoch 1: cluster("CLUSTER|SET-CONFIG-EPOCH", "3.0.0", CHANGE, "Sets the epoch of a node that is new.");
    // --- CLUSTER SETSLOT slot <IMPORTING node-id | MIGRATING node-id | NODE node-id | STABLE>
    ClusterSetslot [2]: cluster("CLUSTER|SETSLOT", "3.0.0", CHANGE, "Says which node a slot goes to.");
    // --- CLUSTER SHARDS
    ClusterShards 0: cluster("CLUSTER|SHARDS", "7.0.0", LOADING | STALE, "Lists the shards with their slots and nodes.")
        .hint(VARIES);
    // --- CLUSTER SLAVES node-id
    ClusterSlaves 1: cluster("CLUSTER|SLAVES", "3.0.0", ADMIN | STALE, "Describes the replicas of a node, by an older name.")
        .hint(VARIES);
    // --- CLUSTER SLOTS
    ClusterSlots 0: cluster("CLUSTER|SLOTS", "3.0.0", LOADING | STALE, "Lists which node has which slots.")
        .hint(VARIES);
}
