internal import Filesystem
internal import NodeRuntime
internal import Primitives
internal import Replication

/// Chooses the replicas of a file system to be created, from the nodes of the catalog and the round
/// trips and liveness that this node has measured.
enum PlanFilesystem {
    static func table(_ catalog: CatalogState, _ status: NodeStatus) -> RegionTable {
        var table = RegionTable(
            nodes: catalog.nodes.values.filter { $0.state != .removed }.map {
                RegionTable.Node(id: $0.id, region: $0.region, weight: $0.weight, acceptsData: $0.state == .active)
            })
        for pair in status.regions { table.setLink(pair.from, pair.to, RegionLink(roundTrip: pair.median)) }
        for member in status.members where member.status == "dead" || member.status == "left" { table.setAlive(member.id, false) }
        return table
    }

    static func plan(
        _ kind: FilesystemKind, name: String, home: RegionID, policy: ReplicationPolicy, group: GroupID, table: RegionTable
    ) throws(FileFailure) -> ReplicaPlan {
        guard table.regions.contains(home) else {
            throw FileFailure(
                .notFound, operation: "\(kind.word) create", object: "'\(CatalogName.shown(name))'",
                cause: "unknown region '\(CatalogName.shown(home.name))'",
                hint: "the cluster has \(table.regions.prefix(16).map(\.name).joined(separator: ", "))")
        }
        do throws(PlanError) {
            return try ReplicaPlanner(group: group, purpose: GroupPurpose(kind), policy: policy, table: table).plan(home: home)
        } catch {
            throw FileFailure(
                .unavailable, operation: "\(kind.word) create", object: "'\(CatalogName.shown(name))'", cause: error.description,
                hint: "start more nodes, or choose another region")
        }
    }
}
