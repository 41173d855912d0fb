import APIClient
import APISchema
import Filesystem
import Foundation
import Primitives

/// Drives a cluster of three processes through the HTTP API of the leader's node. At each count of
/// clients it measures first requests that touch no log (the state of a session), then changes that
/// are replicated: what the second takes more than the first is the cost of consensus and the disk.
struct RaftBench: Sendable {
    let cluster: BenchCluster
    let bound: Duration
    let clientCounts: [Int]

    enum Step: String, Sendable {
        case roundTrip = "round_trip"
        case change
        case commit

        var words: String {
            switch self {
            case .roundTrip: "round trip: state of a session"
            case .change: "replicated change: mtime of a directory"
            case .commit: "volume: one change and its commit"
            }
        }
    }

    struct Row: Sendable {
        var clients: Int
        var step: Step
        var outcome: ClosedLoop.Outcome
        /// Of the leader's log, while the loop ran.
        var log: LogCounters
        var clientNanoseconds: Int64
        var nodeNanoseconds: Int64
    }

    /// What a loop sends, by the number of the client and of its request.
    private typealias Request = @Sendable (_ client: Int, _ number: Int) async throws -> Void

    func run() async throws -> [Row] {
        let first = try cluster.client(cluster.file.nodes[0], connections: 4)
        let region = RegionID(BenchCluster.region)
        let share: FilesystemReport
        let volume: FilesystemReport
        do {
            share = try await first.createFilesystem(NewFilesystem(kind: .nfs, name: "bench", region: region))
            volume = try await first.createFilesystem(NewFilesystem(kind: .volume, name: "bench-volume", region: region))
        } catch {
            await first.shutdown()
            throw error
        }
        await first.shutdown()
        let most = clientCounts.max() ?? 1
        var rows = try await withClient(of: share, connections: most) { client in
            try await changes(share.id, client)
        }
        rows += try await withClient(of: volume, connections: 4) { client in
            let session = try await client.openSession(volume.id, options: options)
            let loop = ClosedLoop(clients: 1, bound: bound)
            return [
                try await measure(.commit, loop, client) { _, number in
                    try await Self.touch(.root, number, session, client)
                    _ = try await client.perform(.commit(CommitOptions()), session: session)
                }
            ]
        }
        return rows
    }

    private var options: SessionOptions {
        // Names are believed for as long as it takes: the change alone goes to the leader.
        SessionOptions(idleLimit: .seconds(86_400), attributeCache: .seconds(3_600))
    }

    private func changes(_ share: FilesystemID, _ client: APIClient) async throws -> [Row] {
        let most = clientCounts.max() ?? 1
        let sessions = SessionList(count: most)
        try await ClosedLoop.forEach(most) { number in
            let session = try await client.openSession(share, options: options)
            _ = try await client.perform(
                .makeDirectory(path: Self.place(number), mode: 0o755, parents: false), session: session)
            sessions.set(number, session)
        }
        let opened = sessions.all
        let roundTrip: Request = { number, _ in _ = try await client.perform(.sessionStatus, session: opened[number]) }
        let change: Request = { number, count in try await Self.touch(Self.place(number), count, opened[number], client) }
        var rows: [Row] = []
        for count in clientCounts {
            let loop = ClosedLoop(clients: count, bound: bound)
            // Once by each client before the clock runs: connections are made, names are known.
            try await ClosedLoop.forEach(count, width: count) { number in
                try await roundTrip(number, 0)
                try await change(number, 0)
            }
            rows.append(try await measure(.roundTrip, loop, client, roundTrip))
            rows.append(try await measure(.change, loop, client, change))
        }
        return rows
    }

    private static func place(_ number: Int) -> FilePath { FilePath(components: [Array("client-\(number)".utf8)]) }

    /// Another time of change, each time.
    private static func touch(_ path: FilePath, _ number: Int, _ session: SessionID, _ client: APIClient) async throws {
        let time = WallTime(nanoseconds: 1_700_000_000_000_000_000 + Int64(number))
        _ = try await client.perform(.setAttributes(path: path, changes: AttributeChanges(modified: time)), session: session)
    }

    private func measure(_ step: Step, _ loop: ClosedLoop, _ client: APIClient, _ request: @escaping Request) async throws -> Row {
        if Terminal.errorIsTerminal { Terminal.errorPart("\r\u{1b}[K\(loop.clients) clients: \(step.words)…") }
        let before = try await LogCounters.read(client)
        let own = BenchClock.processorNanoseconds
        let nodes = cluster.processorNanoseconds
        let outcome = try await loop.run(request)
        let row = Row(
            clients: loop.clients, step: step, outcome: outcome, log: LogCounters(),
            clientNanoseconds: BenchClock.processorNanoseconds - own, nodeNanoseconds: cluster.processorNanoseconds - nodes)
        guard outcome.latencies.count > 0 else {
            throw CommandFailure(
                "bench raft", step.words, "all \(outcome.failures) requests failed: \(outcome.firstFailure ?? "no cause told")")
        }
        var whole = row
        whole.log = try await LogCounters.read(client) - before
        return whole
    }

    /// A client of the node that leads the file system's group; it must still lead it afterwards.
    private func withClient(of filesystem: FilesystemReport, connections: Int, _ body: (APIClient) async throws -> [Row]) async throws
        -> [Row]
    {
        let leader = try await cluster.leader(of: filesystem.group)
        let client = try cluster.client(leader, connections: connections + 4)
        do {
            let rows = try await body(client)
            await client.shutdown()
            let now = try await cluster.leader(of: filesystem.group)
            guard now == leader else {
                throw CommandFailure(
                    "bench raft", filesystem.label, "its leader moved from \(leader.name) to \(now.name) while it was measured",
                    hint: "run it again on a machine with less other work")
            }
            return rows
        } catch {
            await client.shutdown()
            throw error
        }
    }
}
