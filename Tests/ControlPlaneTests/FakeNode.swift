import APISchema
import Filesystem
import NIOCore
import NodeRuntime
import Primitives
import Replication
import Synchronization

/// A node of memory: files in a dictionary, one file system's content shared by all its sessions, a
/// catalog of its own. It keeps the promises of `NodeService` that front ends rely on, and no others.
final class FakeNode: NodeService {
    struct File {
        var bytes = ByteBuffer()
        var mode: UInt32 = 0o644
        var inode: UInt64 = 0
        var change: UInt64 = 1
        var modified = WallTime(nanoseconds: 1_700_000_000_000_000_000)
        var isDirectory = false
        var xattrs: [[UInt8]: [UInt8]] = [:]
        var target: [UInt8]?
    }

    struct Handle {
        var path: FilePath
        var staged: ByteBuffer?
        var mode: UInt32
        var refuseExisting: Bool
    }

    struct Session {
        var filesystem: FilesystemID
        var readOnly: Bool
        var handles: [HandleID: Handle] = [:]
        var staged: UInt64 = 0
    }

    struct State {
        var gossipKeys: [UInt8] = [1]
        var catalog = CatalogState()
        var files: [FilesystemID: [FilePath: File]] = [:]
        var sessions: [SessionID: Session] = [:]
        var versions: [FilesystemID: UInt64] = [:]
        var next: UInt64 = 1
        var linkRules: [UInt8] = []
        var isUnavailable = 0
        var waits: [NodeStatus.Wait] = []
        /// Bytes of windows being read and written now, and the most there ever were.
        var held = 0
        var heldMost = 0
        /// Content of `zeros/SIZE` files, made on reading.
        var reads = 0
    }

    let state: Mutex<State>
    let home = RegionID("us-east-1")

    init() {
        var state = State()
        let endpoints = [NodeEndpoint(key: "http", host: "127.0.0.1", port: 1)]
        let introduction = NodeIntroduction(region: home, name: "node-1", endpoints: endpoints, weight: 100)
        let plan = ReplicaPlan(purpose: .catalog, home: home, voters: [.init(node: NodeID(1), region: home)], learners: [])
        let result = state.catalog.apply(
            CatalogCommand(
                at: WallTime(nanoseconds: 1_700_000_000_000_000_000), by: "test",
                action: .bootstrap(high: 1, low: 2, name: "test", format: CatalogLimits.format, nodes: [introduction], catalogPlan: plan)),
            index: 1)
        if case .failure(let error) = result { preconditionFailure("\(error)") }
        self.state = Mutex(state)
    }

    func failNext(_ count: Int) { state.withLock { $0.isUnavailable = count } }

    func openSession(_ filesystem: FilesystemID, options: SessionOptions, within: Duration) async throws(FileFailure) -> SessionID {
        try state.withLock { state throws(FileFailure) in
            guard state.catalog.filesystems[filesystem]?.isActive ?? false else {
                throw FileFailure(
                    .notFound, operation: "open session", object: filesystem.description, cause: "there is no such file system")
            }
            if let version = options.version, version.rawValue > state.versions[filesystem] ?? 0 {
                throw FileFailure(
                    .notFound, operation: "open session", object: filesystem.description, cause: "there is no version \(version)")
            }
            let id = SessionID(state.next)
            state.next += 1
            state.sessions[id] = Session(filesystem: filesystem, readOnly: options.readOnly || options.version != nil)
            return id
        }
    }

    func closeSession(_ session: SessionID) async { state.withLock { _ = $0.sessions.removeValue(forKey: session) } }

    func perform(_ operation: FileOperation, session: SessionID, payload: ByteBuffer?, within: Duration)
        async throws(FileFailure) -> (outcome: FileOutcome, data: ByteBuffer?)
    {
        try unavailable()
        if case .read = operation { state.withLock { hold(&$0, 1) } }
        let bytes = payload?.readableBytes ?? 0
        state.withLock { hold(&$0, bytes) }
        // Others get a turn, so that windows really are in flight together.
        await Task.yield()
        defer {
            state.withLock { state in
                hold(&state, -bytes)
                if case .read = operation { hold(&state, -1) }
            }
        }
        return try state.withLock { state throws(FileFailure) in
            guard var current = state.sessions[session] else {
                throw FileFailure(
                    .badHandle, operation: "perform", object: "session \(session.rawValue)", cause: "it has ended", hint: "open a new one")
            }
            defer { state.sessions[session] = current }
            var data: ByteBuffer?
            let value = try FakeFiles.run(operation, payload, &current, &state, &data)
            return (
                FileOutcome(
                    value: value, cost: OperationCost(wideAreaRoundTrips: 1, wideAreaBytes: 100, chunksFromRegion: 2, chunksFromAfar: 3)),
                data
            )
        }
    }

    private func hold(_ state: inout State, _ amount: Int) {
        state.held += amount
        state.heldMost = max(state.heldMost, state.held)
    }

    private func unavailable() throws(FileFailure) {
        try state.withLock { state throws(FileFailure) in
            guard state.isUnavailable > 0 else { return }
            state.isUnavailable -= 1
            throw FileFailure(.unavailable, operation: "perform", object: "group", cause: "there is no leader now", hint: "try again")
        }
    }

    func change(_ command: CatalogCommand, within: Duration) async throws(FileFailure) -> CatalogResult {
        try unavailable()
        return state.withLock { $0.catalog.apply(command, index: $0.catalog.appliedIndex + 1) }
    }

    func catalog() async -> CatalogState { state.withLock { $0.catalog } }

    func snapshot(of group: GroupID) async -> (metadata: [UInt8], content: [UInt8])? {
        group == GroupID(16) ? ([1, 2, 3], Array(repeating: 6, count: 100_000)) : nil
    }

    func status() async -> NodeStatus {
        NodeStatus(
            node: NodeID(1), region: home, clusterName: "test", version: "0.1", state: "ready", uptime: .seconds(5), dataDirectory: "/data",
            endpoints: [("http", "127.0.0.1:1")],
            members: [
                .init(id: NodeID(1), region: home, status: "alive", incarnation: 1, roundTrip: nil, endpoints: []),
                .init(
                    id: NodeID(2), region: RegionID("eu-west-1"), status: "suspect", incarnation: 7, roundTrip: .microseconds(75_500),
                    endpoints: [("gossip", "127.0.0.1:2")]),
            ],
            groups: [
                .init(
                    id: GroupID(16), filesystem: nil, role: "leader", term: 3, leader: NodeID(1), commitIndex: 9, appliedIndex: 8,
                    digest: SHA256.hash([]), voters: [NodeID(1)], learners: [NodeID(2)], version: VersionID(4))
            ],
            regions: [
                .init(
                    from: home, to: RegionID("eu-west-1"), median: .milliseconds(75), p90: .milliseconds(80), least: .milliseconds(74),
                    samples: 12)
            ],
            metrics: [
                .init(name: "atoll_operations_total", help: "Operations.", kind: .counter, labels: [("op", "re\"ad")], value: 3),
                .init(name: "atoll_groups", help: "Groups\nhere.", kind: .gauge, value: 1.5),
                .init(name: "atoll_operations_total", help: "Operations.", kind: .counter, labels: [("op", "write")], value: 4),
                .init(name: "atoll_time", help: "Time.", kind: .histogram, labels: [("le", "+Inf")], value: 2, suffix: "_bucket"),
                .init(name: "atoll_time", help: "Time.", kind: .histogram, value: 0.5, suffix: "_sum"),
            ])
    }

    func waits() async -> [NodeStatus.Wait] { state.withLock { $0.waits } }

    func applyLinkRules(_ encoded: [UInt8]) async throws(FileFailure) {
        guard encoded != [0xff] else { throw FileFailure(.invalid, operation: "decode", object: "link rules", cause: "no link rules") }
        state.withLock { $0.linkRules = encoded }
    }

    func gossipKeys(reloading: Bool) async throws(FileFailure) -> [UInt8] {
        state.withLock { state in
            if reloading { state.gossipKeys = [2, 1] }
            return state.gossipKeys
        }
    }

    func drain(within: Duration) async {}
}
