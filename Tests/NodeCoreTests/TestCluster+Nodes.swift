import Consensus
import Membership
import NodeCore
import Primitives
import Replication

/// What a host's disk holds of its groups.
struct TestDisk {
    struct Group {
        var hardState = HardState()
        var entries: [RaftEntry] = []
        var snapshot: (metadata: SnapshotMetadata, machine: GroupMachine)?
    }
    private(set) var groups: [GroupID: Group] = [:]

    /// Everything that is written is durable at once; that it is told later is legal.
    mutating func write(_ writes: [(GroupID, RaftPersist)]) {
        for (id, write) in writes {
            var group = groups[id] ?? Group()
            if let from = write.truncateFrom { group.entries.removeAll { $0.index >= from } }
            group.entries += write.entries
            if let hard = write.hardState { group.hardState = hard }
            groups[id] = group
        }
    }

    mutating func save(_ id: GroupID, _ metadata: SnapshotMetadata, _ machine: GroupMachine, received: Bool = false) {
        var group = groups[id] ?? Group()
        if let known = group.snapshot, known.metadata.index > metadata.index { return }
        group.snapshot = (metadata, machine)
        group.entries.removeAll { $0.index <= metadata.index }
        groups[id] = group
    }

    mutating func remove(_ id: GroupID) { groups[id] = nil }

    var restored: NodeState.Restored {
        NodeState.Restored(
            groups: groups.sorted { $0.key < $1.key }.map { id, group in
                (
                    id,
                    RaftRestored(
                        hardState: group.hardState, snapshot: group.snapshot?.metadata, entries: group.entries, initialConfiguration: .empty
                    ),
                    group.snapshot?.machine
                )
            })
    }
}

// Nodes that come, go and come back.
extension TestCluster {
    /// A node that is no founder asks to be let in. Its number is the next host's, unless another one is given.
    @discardableResult
    func join(
        _ region: String, name: String? = nil, number: UInt64? = nil, store: UInt64? = nil, weight: UInt32 = 100, newRegion: Bool = false
    ) -> Int {
        let index = appendHost(in: RegionID(region))
        let id = NodeID(number ?? UInt64(index) + 1)
        let introduction = introduce(
            index, RegionID(region), name: name, weight: weight, store: store ?? UInt64(index) + 1, beginsRegion: newRegion)
        start(index, as: id, introduction, founders: [])
        return index
    }

    /// The node ends; the others lose their connections to it.
    func fail(_ node: Int) {
        crash(node)
        for peer in hosts.indices where peer != node { post(.peerLost(NodeID(UInt64(node) + 1)), to: peer, after: .milliseconds(100)) }
    }

    /// The same node with what its disk held.
    func restart(_ node: Int) {
        let host = hosts[node]
        guard !host.isUp, let start = host.start else { return }
        host.reset()
        start(host.disk.restored)
        for peer in hosts.indices where peer != node {
            post(.peerConnected(NodeID(UInt64(peer) + 1)), to: node, after: .milliseconds(2))
            post(.peerConnected(NodeID(UInt64(node) + 1)), to: peer, after: .milliseconds(2))
        }
    }

    /// The same node with an empty directory.
    func restartEmptied(_ node: Int) {
        let host = hosts[node]
        host.introduction?.store += 1_000
        host.disk = TestDisk()
        host.chunks = [:]
        host.touched = [:]
        restart(node)
    }

    /// The catalog as a node that is up has it.
    var catalog: CatalogState { hosts.first(where: \.isUp)!.state.catalog }

    /// The configuration of a file system's group as its leader has it.
    func configuration(of id: FilesystemID?) -> (voters: [NodeID], learners: [NodeID])? {
        for host in hosts where host.isUp {
            for group in host.state.view.groups where group.filesystem == id && group.role == "leader" {
                return (group.voters, group.learners)
            }
        }
        return nil
    }

    func leader(of id: FilesystemID?) -> Int? {
        hosts.indices.first { index in
            hosts[index].isUp && hosts[index].state.view.groups.contains { $0.filesystem == id && $0.role == "leader" }
        }
    }

    /// Whether all groups are as planned, and their content is where it belongs.
    var isSettled: Bool {
        let state = catalog
        return state.unsettled.isEmpty && state.catalogSettledPlan == state.catalogPlanRevision
    }
}
