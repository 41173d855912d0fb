import APIClient
import APISchema
import Filesystem
import Foundation
import NodeRuntime
import Primitives

/// Which node a verb talks to, and with which token.
///
/// `--endpoint` or `ATOLL_ENDPOINT` (host:port) with `ATOLL_TOKEN`, `ATOLL_TOKEN_FILE` or `--token-file` names a node of
/// any cluster; otherwise it is a running node of the local cluster: of the region of `--region`, of the
/// first region, or of any.
struct Connection: Sendable {
    /// Which node of a local cluster.
    enum Choice: Sendable {
        /// Of a region; of the first one where it is nil.
        case region(String?)
        /// One from which the catalog can be changed.
        case any
    }

    let client: APIClient
    let region: String
    /// Nil where the node was named by its address.
    let directory: ClusterDirectory?
    let node: String
    /// When the command has to be over.
    let end: ContinuousClock.Instant?

    /// `limit` bounds the whole command, in place of the bounds of its requests.
    private static func open(_ options: EndpointOptions, _ choice: Choice, limit: Duration?, _ operation: String) async throws -> Connection
    {
        let end = limit.map { ContinuousClock.now + $0 }
        if let remote = try RemoteEndpoint.named(by: options, operation) { return try await open(remote, choice, end, operation) }
        let directory = ClusterDirectory(options)
        let cluster = try ClusterFile.require(directory, operation)
        var candidates = cluster.nodes
        var place = "the cluster"
        if case .region(let region) = choice {
            if let region, !cluster.regions.contains(region) { throw cluster.unknownRegion(region, operation) }
            place = region ?? cluster.regions[0]
            candidates = candidates.filter { $0.region == place }
        }
        _ = try LiveNetwork.require(cluster, directory, operation)
        if case .any = choice {
            // Those who can change something first, then whoever runs: it says what is the matter.
            candidates = await ClusterNodes(cluster, directory).usable() + candidates
        }
        for node in candidates {
            guard let ready = ReadyFile.read(directory.ready(node.name)), ready.process.state == .running,
                let http = LiveNetwork.http(ready, directory)
            else { continue }
            let token = try LocalFiles.text(directory.tokenFile).trimmingCharacters(in: .whitespacesAndNewlines)
            let client = client(http, token, node.name, end, operation)
            return Connection(client: client, region: node.region, directory: directory, node: node.name, end: end)
        }
        throw nobody(candidates, place, directory, operation)
    }

    /// Why nobody of `candidates` can be asked.
    private static func nobody(
        _ candidates: [ClusterFile.Node], _ place: String, _ directory: ClusterDirectory, _ operation: String
    ) -> CommandFailure {
        guard let paused = candidates.first(where: { ReadyFile.read(directory.ready($0.name))?.process.state == .paused }) else {
            return CommandFailure(
                operation, "", "no node of \(place) is running", hint: "see `atoll status`; `atoll up` starts what is missing")
        }
        return CommandFailure(
            operation, "", "no node of \(place) goes on: \(paused.name) is paused",
            hint: "`atoll fault resume \(paused.name)` lets it go on")
    }

    /// A client whose waits are told on standard error.
    private static func client(
        _ address: String, _ token: String, _ node: String, _ end: ContinuousClock.Instant?, _ operation: String
    ) -> APIClient {
        let watch = WaitWatch(operation: operation, node: node, address: address, token: token)
        return APIClient(address: address, token: token, options: APIClientOptions(end: end), observer: watch)
    }

    private static func open(
        _ remote: RemoteEndpoint, _ choice: Choice, _ end: ContinuousClock.Instant?, _ operation: String
    ) async throws -> Connection {
        let client = client(remote.address, remote.token, remote.address, end, operation)
        guard case .region(let region?) = choice else {
            return Connection(client: client, region: "", directory: nil, node: remote.address, end: end)
        }
        let actual: String
        do {
            actual = try await telling(operation, to: remote) { try await client.status().region.name }
        } catch {
            await client.shutdown()
            throw error
        }
        guard actual == region else {
            await client.shutdown()
            throw CommandFailure(
                operation, region, "\(remote.source) is in \(actual)", hint: "name a node of \(region) by \(remote.source)")
        }
        return Connection(client: client, region: region, directory: nil, node: remote.address, end: end)
    }

    /// Runs `body` with a connection, and ends it.
    static func run<Result: Sendable>(
        _ options: EndpointOptions, _ choice: Choice, limit: Duration? = nil, _ operation: String,
        _ body: (Connection) async throws -> Result
    ) async throws -> Result {
        let connection = try await open(options, choice, limit: limit, operation)
        // Bytes that flow are bounded by no request: what is not over then is ended.
        let watch = connection.end.map { end in
            Task.detached {
                try await Task.sleep(until: end + .milliseconds(500), clock: .continuous)
                Interruption.end(operation, "not done within \(Show.figure((limit ?? .zero) / .seconds(1))) s (--timeout)")
            }
        }
        defer { watch?.cancel() }
        do {
            let remote = try RemoteEndpoint.named(by: options, operation)
            let result = try await telling(operation, to: remote, in: connection.directory) { try await body(connection) }
            await connection.client.shutdown()
            return result
        } catch {
            await connection.client.shutdown()
            guard let end = connection.end, let limit, .now >= end - .seconds(1), var told = error as? CommandFailure else { throw error }
            told.cause += " (--timeout \(Show.figure(limit / .seconds(1))))"
            throw told
        }
    }
}
