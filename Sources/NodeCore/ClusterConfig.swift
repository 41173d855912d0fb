package import Consensus
package import Membership
package import Primitives
package import Replication

/// What all nodes of a cluster must agree on; its digest is compared when nodes meet.
package struct ClusterConfig: Hashable, Sendable {
    package var clusterHigh: UInt64
    package var clusterLow: UInt64
    package var name: String
    /// The nodes that the cluster begins with; they get the ids 1, 2, … in this order. Empty on nodes that
    /// join later.
    package var founders: [NodeIntroduction]
    package init(clusterHigh: UInt64, clusterLow: UInt64, name: String, founders: [NodeIntroduction]) {
        self.clusterHigh = clusterHigh
        self.clusterLow = clusterLow
        self.name = name
        self.founders = founders
    }
}

/// What may differ from node to node, as far as the core needs it.
package struct NodeSettings: Sendable {
    package var id: NodeID
    package var region: RegionID
    /// Entries applied after which a group saves a snapshot and drops its log; default 8,192.
    package var snapshotEntries: UInt64 = 8_192
    /// Bytes of entries after which it does so too; default 64 MiB.
    package var snapshotBytes = 64 << 20
    /// Files up to this many bytes are kept in the namespace itself; default 4,096, at most 4,096.
    package var inlineLimit: UInt32 = 4_096
    /// Copies of a chunk in each region of a volume; default 2 where the region has two nodes.
    package var copiesPerRegion = 2
    /// Sessions at one node; default 16,384.
    package var sessionLimit = 16_384
    /// Open files of one session; default 65,536.
    package var handleLimit = 65_536
    /// A client node that has not renewed its sessions' locks for this long has lost them; default 30 s.
    package var sessionLease: Duration = .seconds(30)
    package var garbage = GarbageSettings()
    package var upkeep = UpkeepSettings()
    /// This node as it presents itself to the cluster; nil in tests that have founders only.
    package var introduction: NodeIntroduction?
    /// A voter or other replica on a node that is dead for this long is replaced; default 5 minutes.
    /// Advice: longer than a machine takes to start again.
    package var replicaGrace: Duration = .seconds(300)
    /// Groups that get another plan in one second, at most; default 4.
    package var movesPerSecond = 4
    package var raft = RaftSettings()
    package var swim = SWIMSettings()
    /// For tests only.
    package var mutant: NodeMutant?
    package init(id: NodeID, region: RegionID) {
        self.id = id
        self.region = region
    }
}

/// A fault built in on purpose, to show that the simulator's checkers see it (docs/internals/simulation.md).
package enum NodeMutant: Hashable, Sendable {
    /// Copies made long ago count without being asked for again.
    case copiesTakenForFresh
    /// A commit is proposed though too few regions hold its chunks.
    case commitBeforeChunks
}
