package import Consensus
package import Membership
package import Primitives
package import Replication

/// What all nodes of a cluster must agree on; its digest is compared when nodes meet.
package struct ClusterConfig: Hashable, Sendable {
    package var clusterHigh: UInt64
    package var clusterLow: UInt64
    package var name: String
    /// The nodes that the cluster begins with; they get the ids 1, 2, … in this order.
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
    /// A commit is proposed though too few regions hold its chunks.
    case commitBeforeChunks
}
