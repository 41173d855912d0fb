import Filesystem
import NodeCore
import Primitives
import Replication

// What a front end does: requests, and waiting for what comes of them.

extension TestCluster {
    func begin(on node: Int, _ make: (RequestID) -> Event) -> RequestID {
        let host = hosts[node]
        let id = RequestID(host.nextRequest)
        host.nextRequest += 1
        post(make(id), to: node, after: .zero)
        return id
    }

    /// The reply, within a minute of virtual time; nil where there is none.
    func wait(_ id: RequestID, on node: Int, limit: Duration = .seconds(60)) -> Reply? {
        run(for: limit) { hosts[node].replies[id] != nil }
        return hosts[node].replies.removeValue(forKey: id)
    }

    func open(_ filesystem: FilesystemID, on node: Int, options: SessionOptions = SessionOptions()) throws -> SessionID {
        switch wait(begin(on: node) { .openSession($0, filesystem, options) }, on: node) {
        case .session(let id)?: return id
        case .failed(let failure)?: throw failure
        default: throw FileFailure(.timedOut, operation: "open session", object: "\(filesystem)", cause: "no reply")
        }
    }

    func perform(_ operation: FileOperation, _ session: SessionID, on node: Int, bytes: [UInt8]? = nil, limit: Duration = .seconds(60))
        throws -> (
            outcome: FileOutcome, data: [UInt8]?
        )
    {
        let payload = bytes.map { hosts[node].insert($0) }
        let end = now + limit
        let id = begin(on: node) { .operation($0, session, operation, payload: payload, deadline: end) }
        switch wait(id, on: node, limit: limit + .seconds(1)) {
        case .outcome(let outcome, let buffer)?: return (outcome, buffer.flatMap { hosts[node].buffers.removeValue(forKey: $0) })
        case .failed(let failure)?: throw failure
        default: throw FileFailure(.timedOut, operation: operation.name, object: operation.object, cause: "no reply")
        }
    }

    func create(
        _ kind: FilesystemKind, _ name: String, region: String, on node: Int, replicasPerRegion: UInt32? = nil,
        keptVersions: UInt32 = 1_000, policy: ReplicationPolicy? = nil, options: FilesystemOptions = FilesystemOptions()
    ) throws -> FilesystemID {
        var policy = policy ?? .standard(kind)
        if let replicasPerRegion { policy.replicasPerRegion = replicasPerRegion }
        let plan = try ReplicaPlanner(
            group: GroupID(1_000), purpose: GroupPurpose(kind), policy: policy, table: hosts[node].state.catalog.regionTable
        ).plan(home: RegionID(region))
        var options = options
        options.keptVersions = keptVersions
        let request = FilesystemRequest(
            kind: kind, name: name, mode: .createFailIfExists, high: 7, low: name.utf8.reduce(17) { $0 &* 1_099_511_628_211 &+ UInt64($1) },
            region: RegionID(region),
            policy: policy, plan: plan, options: options)
        return try change(.createFilesystem(request), on: node).filesystem().id
    }

    func change(_ action: CatalogAction, on node: Int) throws -> CatalogResult {
        let command = CatalogCommand(at: WallTime(nanoseconds: 0), by: "test", action: action)
        let end = now + .seconds(30)
        switch wait(begin(on: node) { .changeCatalog($0, command, deadline: end) }, on: node) {
        case .catalog(let result)?: return result
        case .failed(let failure)?: throw failure
        default: throw FileFailure(.timedOut, operation: "change", object: "catalog", cause: "no reply")
        }
    }

    /// Until the catalog has its first nodes everywhere.
    func settle() -> Bool { run(for: .seconds(30)) { hosts.allSatisfy { $0.state.catalog.nodes.count == hosts.count } } }

    func crash(_ node: Int) { hosts[node].isUp = false }

    /// Content that nodes which are up hold for requests (not what they keep of reads), and stages that wait to be stored.
    func buffersHeld() -> Int { hosts.reduce(0) { $0 + ($1.isUp ? $1.buffers.count - $1.state.keptReads.buffers : 0) } }
    /// What clients of network file systems keep of what they read.
    func rangesKept() -> Int { hosts.reduce(0) { $0 + ($1.isUp ? $1.state.keptReads.ranges : 0) } }
    func stagesHeld() -> Int { hosts.reduce(0) { $0 + ($1.isUp ? $1.stages.count : 0) } }
}
