import Filesystem
import NodeCore
import Primitives
import Replication
import Workloads

// File systems of the world: made through the catalog, as front ends do it.
extension World {
    static var versionsKept: UInt32 { 2_048 }

    struct CatalogRequest: Hashable {
        let node: Int
        let request: RequestID
    }

    /// Asks a node to make the file system; it is asked again until it is there.
    mutating func create(_ place: Int, at node: Int, after delay: Int64 = 1_000) {
        let filesystem = filesystems[place]
        var table = hosts[node].state.catalog.regionTable
        if options.placesByMap {
            for link in options.map.links { table.setLink(link.from, link.to, RegionLink(roundTrip: link.roundTrip)) }
        }
        let planner = ReplicaPlanner(
            group: GroupID(1_000 + UInt64(place)), purpose: GroupPurpose(filesystem.kind), policy: .standard(filesystem.kind), table: table)
        guard let plan = try? planner.plan(home: filesystem.home) else { return }
        // More than are made between two looks at them (`checkHistories`): they are the witness.
        var kept = FilesystemOptions()
        kept.keptVersions = Self.versionsKept
        let request = FilesystemRequest(
            kind: filesystem.kind, name: filesystem.name, mode: .createIfMissing, high: 7,
            low: filesystem.name.utf8.reduce(17) { $0 &* 1_099_511_628_211 &+ UInt64($1) }, region: filesystem.home,
            policy: .standard(filesystem.kind), plan: plan, options: kept)
        let command = CatalogCommand(at: WallTime(nanoseconds: 0), by: "simulation", action: .createFilesystem(request))
        let id = RequestID(hosts[node].nextRequest)
        hosts[node].nextRequest += 1
        catalogRequests[CatalogRequest(node: node, request: id)] = place
        let deadline = Instant(nanoseconds: hosts[node].clock.local(now) + delay + 10_000_000_000)
        complete(.changeCatalog(id, command, deadline: deadline), node, after: delay)
    }

    mutating func catalogReplied(_ place: Int, _ reply: Reply, _ node: Int, _ request: RequestID) {
        catalogRequests[CatalogRequest(node: node, request: request)] = nil
        if case .catalog(let result) = reply, let record = try? result.filesystem() {
            filesystems[place].id = record.id
        } else {
            // Refused, as when too many are under way: later.
            create(place, at: node, after: 500_000_000)
        }
    }

    /// Whether every machine that is up knows its catalog and runs its replicas.
    var isSettled: Bool {
        hosts.allSatisfy { host in
            guard host.isUp, !host.isReplaced else { return true }
            guard host.state.catalog.nodes.count >= hosts.count - options.late.count else { return false }
            return filesystems.allSatisfy { $0.id.map { host.state.catalog.filesystems[$0] != nil } ?? true }
        }
    }
}
