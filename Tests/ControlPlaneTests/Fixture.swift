import APIClient
import APISchema
import AsyncHTTPClient
import ControlPlane
import Filesystem
import Logging
import NIOCore
import NIOHTTP1
import Primitives

/// A server over a node of memory on a live socket, and a client of it.
struct Fixture: Sendable {
    static let token = "admin-token-of-the-test"
    let node: FakeNode
    let server: HTTPServer
    let client: APIClient
    var address: String { "127.0.0.1:\(server.port)" }

    /// Runs `body` against a server of its own, and ends it.
    static func run(
        allowFaults: Bool = true, requestLimit: Int = 1_024, windowBytes: Int = 1 << 20, _ body: @Sendable (Fixture) async throws -> Void
    ) async throws {
        let node = FakeNode()
        let configuration = HTTPServerConfiguration(
            adminTokenHash: SHA256.hash(Array(token.utf8)), allowFaults: allowFaults, requestLimit: requestLimit, windowBytes: windowBytes)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let server = try await HTTPServer.start(service: node, configuration: configuration, logger: logger)
        let client = APIClient(address: "127.0.0.1:\(server.port)", token: token)
        let fixture = Fixture(node: node, server: server, client: client)
        do {
            try await body(fixture)
        } catch {
            await fixture.end()
            throw error
        }
        await fixture.end()
    }

    private func end() async {
        await client.shutdown()
        await server.stop()
    }

    /// Another client of the same server.
    func withClient(token: String, _ body: (APIClient) async throws -> Void) async throws {
        let client = APIClient(address: address, token: token)
        do {
            try await body(client)
        } catch {
            await client.shutdown()
            throw error
        }
        await client.shutdown()
    }

    func volume(_ name: String = "data") async throws -> FilesystemID {
        try await client.createFilesystem(NewFilesystem(kind: .volume, name: name)).id
    }

    func nfs(_ name: String = "share") async throws -> FilesystemID {
        try await client.createFilesystem(NewFilesystem(kind: .nfs, name: name)).id
    }

    struct Answer: Sendable {
        var status: Int
        var headers: HTTPHeaders
        var text: String
        /// The code of the error that it holds.
        var code: String? { text.split(separator: "\"code\":\"").dropFirst().first.map { String($0.prefix { $0 != "\"" }) } }
    }

    /// A request that no proper client makes.
    func raw(
        _ method: HTTPMethod, _ path: String, body: String? = nil, type: String = "application/json", headers: [(String, String)] = [],
        token: String? = Fixture.token
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: "http://\(address)\(path)")
        request.method = method
        if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body {
            request.headers.add(name: "content-type", value: type)
            request.body = .bytes(ByteBuffer(string: body))
        }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
        let text = String(buffer: try await response.body.collect(upTo: 8 << 20))
        return Answer(status: Int(response.status.code), headers: response.headers, text: text)
    }
}

/// The failure that `body` throws; nil where it throws none.
func failure(_ body: () async throws -> Void) async -> FileFailure? {
    do {
        try await body()
        return nil
    } catch {
        return error as? FileFailure
    }
}
