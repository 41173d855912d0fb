import APIClient
import APISchema
import Filesystem
import Foundation
import NodeRuntime
import Primitives

/// Which node a verb talks to, and with which token.
///
/// `ATOLL_ENDPOINT` (host:port) with `ATOLL_TOKEN` or `ATOLL_TOKEN_FILE` names a node of any cluster;
/// otherwise it is a running node of the local cluster, in the region of `--region` or in the first.
struct Connection: Sendable {
    let client: APIClient
    let region: String
    /// Nil where the environment names the node.
    let directory: ClusterDirectory?
    let node: String

    /// `limit` bounds every request, in place of its own bound.
    static func open(
        _ options: ClusterOptions, region: String? = nil, node wanted: String? = nil, limit: Duration? = nil, _ operation: String
    ) async throws -> Connection {
        let environment = ProcessInfo.processInfo.environment
        if let endpoint = environment["ATOLL_ENDPOINT"], options.dataDirectory == nil {
            return try await remote(endpoint, environment, region, limit, operation)
        }
        let directory = ClusterDirectory(options.dataDirectory)
        let cluster = try ClusterFile.require(directory, operation)
        if let region, !cluster.regions.contains(region) { throw cluster.unknownRegion(region, operation) }
        let place = region ?? cluster.regions[0]
        _ = try LiveNetwork.require(cluster, directory, operation)
        let candidates = cluster.nodes.filter { wanted == nil ? $0.region == place : $0.name == wanted }
        for node in candidates {
            guard let ready = ReadyFile.read(directory.ready(node.name)), ready.process.state == .running,
                let http = LiveNetwork.http(ready, directory)
            else { continue }
            let token = try LocalFiles.text(directory.tokenFile).trimmingCharacters(in: .whitespacesAndNewlines)
            let client = client(http, token, node.name, limit, operation)
            return Connection(client: client, region: node.region, directory: directory, node: node.name)
        }
        throw CommandFailure(
            operation, "", "no node of \(place) is running", hint: "see `atoll status`; `atoll up` starts what is missing")
    }

    /// A client whose waits are told on standard error.
    private static func client(_ address: String, _ token: String, _ node: String, _ limit: Duration?, _ operation: String) -> APIClient {
        var options = APIClientOptions(limit: limit)
        if let limit { options.retryFor = min(options.retryFor, limit) }
        let watch = WaitWatch(operation: operation, node: node, address: address, token: token)
        return APIClient(address: address, token: token, options: options, observer: watch)
    }

    private static func remote(
        _ endpoint: String, _ environment: [String: String], _ region: String?, _ limit: Duration?, _ operation: String
    ) async throws -> Connection {
        let endpoint = endpoint.hasPrefix("http://") ? String(endpoint.dropFirst("http://".count)) : endpoint
        guard HostPort(endpoint) != nil else { throw CommandFailure.usage(operation, "ATOLL_ENDPOINT", "\"\(endpoint)\" is no host:port") }
        var token = environment["ATOLL_TOKEN"] ?? ""
        if let file = environment["ATOLL_TOKEN_FILE"] { token = try LocalFiles.text(file).trimmingCharacters(in: .whitespacesAndNewlines) }
        let client = client(endpoint, token, endpoint, limit, operation)
        guard let region else { return Connection(client: client, region: "", directory: nil, node: endpoint) }
        let actual: String
        do {
            actual = try await client.status().region.name
        } catch {
            await client.shutdown()
            throw error
        }
        guard actual == region else {
            await client.shutdown()
            throw CommandFailure(operation, region, "ATOLL_ENDPOINT is in \(actual)", hint: "name a node of \(region) by ATOLL_ENDPOINT")
        }
        return Connection(client: client, region: region, directory: nil, node: endpoint)
    }

    /// Runs `body` with a connection, and ends it.
    static func run<Result: Sendable>(
        _ options: ClusterOptions, region: String? = nil, limit: Duration? = nil, _ operation: String,
        _ body: (Connection) async throws -> Result
    ) async throws -> Result {
        let connection = try await open(options, region: region, limit: limit, operation)
        do {
            let result = try await telling(operation) { try await body(connection) }
            await connection.client.shutdown()
            return result
        } catch {
            await connection.client.shutdown()
            throw error
        }
    }
}
