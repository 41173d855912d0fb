import APIClient
import APISchema
import Filesystem
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Primitives
import Synchronization
import Testing

@testable import ControlPlane

extension Fixture {
    static func second(on port: Int) async throws {
        let configuration = HTTPServerConfiguration(port: port, adminTokenHash: .zero)
        let server = try await HTTPServer.start(service: FakeNode(), configuration: configuration, logger: Logger(label: "second"))
        await server.stop()
    }

    /// Sends bytes as they are, closes the sending side, and reads what comes back.
    func bytes(_ text: String) async throws -> String {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(host: "127.0.0.1", port: server.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: text))
            outbound.finish()
            var answer = ""
            for try await part in inbound { answer += String(buffer: part) }
            return answer
        }
    }
}

@Suite struct BadInputTests {
    @Test func tokens() async throws {
        try await Fixture.run { fixture in
            for token in [nil, "", "wrong", Fixture.token + "x", String(repeating: "x", count: 4_000)] {
                let answer = try await fixture.raw(.GET, "/v1/status", token: token)
                #expect(answer.status == 401)
                #expect(answer.headers.first(name: "www-authenticate") == "Bearer")
                #expect(answer.code == "permission_denied")
            }
            let basic = try await fixture.raw(.GET, "/v1/status", headers: [("authorization", "Basic \(Fixture.token)")], token: nil)
            #expect(basic.status == 401)
            try await fixture.withClient(token: "wrong") { client in
                #expect(await failure { _ = try await client.status() }?.cause == "the token is not valid here")
            }
        }
    }

    @Test func routes() async throws {
        try await Fixture.run { fixture in
            for (method, path, status) in [
                ("GET", "/", 404), ("GET", "/v1", 404), ("GET", "/v1/nothing", 404), ("GET", "/v2/status", 404),
                ("POST", "/v1/status", 405),
                ("DELETE", "/v1/filesystems", 405), ("GET", "/v1/filesystems/nonsense", 400),
                ("GET", "/v1/filesystems/vo-0000000000000000000000", 404),
                ("GET", "/v1/filesystems/vo-0000000000000000000000/files/a", 404), ("GET", "/v1/filesystems?kind=disk", 400),
                ("DELETE", "/v1/sessions/x", 400), ("DELETE", "/v1/tokens/99", 404),
                ("GET", "/v1/" + String(repeating: "x", count: 40_000), 414),
            ] {
                let answer = try await fixture.raw(.RAW(value: method), path)
                #expect(answer.status == status, "\(method) \(path.prefix(80))")
                #expect(answer.code != nil, "\(method) \(path.prefix(80))")
            }
            let found1 = try await fixture.raw(.POST, "/v1/status").headers.first(name: "allow")
            #expect(found1 == "GET")
        }
    }

    @Test func bodies() async throws {
        try await Fixture.run { fixture in
            let share = try await fixture.nfs()
            let session = try await fixture.client.openSession(share)
            let operations = "/v1/sessions/\(session.rawValue)/operations"
            for (path, body, status) in [
                ("/v1/filesystems", "{", 400), ("/v1/filesystems", "[]", 400), ("/v1/filesystems", "{\"kind\":\"disk\"}", 400),
                ("/v1/filesystems", "{\"kind\":\"nfs\",\"name\":5}", 400), ("/v1/filesystems", "{\"kind\":\"nfs\"}", 400),
                ("/v1/filesystems", "{\"kind\":\"nfs\",\"name\":\"a\",\"durability\":\"none\"}", 400),
                ("/v1/filesystems", "\"" + String(repeating: "x", count: 2 << 20) + "\"", 413), (operations, "", 400),
                (operations, "{}", 400),
                (operations, "{\"op\":\"write\",\"handle\":\"1\",\"offset\":0}", 400),
                (operations, "{\"op\":\"stat\",\"path\":\"/none\"}", 404),
                (operations, "{\"op\":\"stat\",\"path\":\"a/../b\"}", 400), ("/v1/apps", "{\"name\":\"\"}", 400),
                ("/v1/tokens", "{\"scopes\":[{}]}", 400), ("/v1/tokens", "{\"scopes\":[]}", 400),
                ("/v1/filesystems/\(share)/sessions", "{\"idle_limit_ms\":1}", 400),
            ] {
                let answer = try await fixture.raw(.POST, path, body: body)
                #expect(answer.status == status, "\(path) \(body.prefix(60)): \(answer.text.prefix(200))")
                #expect(answer.code != nil)
            }
            let window = String(repeating: "x", count: (4 << 20) + 1)
            let large = try await fixture.raw(
                .POST, operations + "?op=write&handle=1&offset=0", body: window, type: "application/octet-stream")
            #expect(large.status == 413)
            let timeout = try await fixture.raw(.GET, "/v1/status", headers: [("atoll-timeout-ms", "0")])
            #expect(timeout.status == 400)
            let found2 = try await fixture.client.filesystems().count
            #expect(found2 == 1)
        }
    }

    @Test func names() async throws {
        try await Fixture.run { fixture in
            let share = try await fixture.nfs()
            let long = FilePath(String(repeating: "x", count: 256))!
            #expect(await failure { _ = try await fixture.client.put(share, long, ByteBuffer()) }?.code == .nameTooLong)
            for path in [
                "a/../b", "%00", "%zz", "..", "a/%2e%2e/b", "?path_b64=!", "", "x?force=maybe", "x?permissions=4096", "x?mtime_ns=z", "%",
            ] {
                let head = "PUT /v1/filesystems/\(share)/files/\(path) HTTP/1.1\r\nhost: a\r\nauthorization: Bearer \(Fixture.token)\r\n"
                let answer = try await fixture.bytes(head + "content-length: 1\r\n\r\nx")
                let status = path.isEmpty ? "409 Conflict" : "400 Bad Request"
                #expect(answer.hasPrefix("HTTP/1.1 \(status)"), "\(path): \(answer)")
            }
            let query = try await fixture.bytes(
                "GET /v1/filesystems?name=%zz HTTP/1.1\r\nhost: a\r\nauthorization: Bearer \(Fixture.token)\r\n\r\n")
            #expect(query.hasPrefix("HTTP/1.1 400"))
            #expect(fixture.node.state.withLock { $0.files[share]?.isEmpty ?? true })
        }
    }

    /// A body that breaks off, with and without a known length, leaves nothing behind.
    @Test(arguments: [
        "content-length: 100\r\n\r\nonly this", "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "transfer-encoding: chunked\r\n\r\nzz\r\n",
    ])
    func truncated(_ rest: String) async throws {
        try await Fixture.run { fixture in
            let share = try await fixture.nfs()
            let head = "PUT /v1/filesystems/\(share)/files/torn HTTP/1.1\r\nhost: a\r\nauthorization: Bearer \(Fixture.token)\r\n"
            let answer = (try? await fixture.bytes(head + rest)) ?? ""
            #expect(!answer.hasPrefix("HTTP/1.1 2"), "\(answer)")
            #expect(await failure { _ = try await fixture.client.bytes(share, FilePath("torn")!) }?.code == .notFound)
        }
    }

    @Test func nonsenseOnTheSocket() async throws {
        try await Fixture.run { fixture in
            for text in [
                "\0\0\0\0", "GET", "GET / HTTP/9.9\r\n\r\n", "POST /v1/apps HTTP/1.1\r\ncontent-length: -5\r\n\r\n",
                "\u{16}\u{3}\u{1}hello",
            ] {
                _ = try? await fixture.bytes(text)
            }
            let found3 = try await fixture.client.status().state
            #expect(found3 == "ready")
        }
    }

    /// What follows an answer to HEAD on the connection is the next answer, also where the first one is an error.
    @Test(arguments: ["/v1/filesystems/x/files/f", "/v1/status", "/v1/nothing", "/healthz"])
    func answersToHeadAreHeadsOnly(path: String) async throws {
        try await Fixture.run { fixture in
            let head = "HEAD \(path) HTTP/1.1\r\nhost: x\r\n\r\n"
            let text = try await fixture.bytes(head + head + "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            var parts = text.split(separator: "\r\n\r\n", omittingEmptySubsequences: false)
            #expect(parts.popLast() == "ready\n")
            #expect(parts.count == 3)
            #expect(parts.allSatisfy { $0.hasPrefix("HTTP/1.1 ") }, "\(text)")
        }
    }

    @Test func nobodyListens() async throws {
        let client = APIClient(address: "127.0.0.1:1", token: "x", options: APIClientOptions(timeout: .seconds(2), retryFor: .zero))
        let failure = await failure { _ = try await client.status() }
        #expect(failure?.code == .unavailable)
        #expect(failure?.cause == "nothing listens at 127.0.0.1:1")
        await client.shutdown()
    }

    @Test(
        arguments: [
            ("bytes=0-0", 1, ByteRange.part(0..<1)), ("bytes=0-18446744073709551615", 5, .part(0..<5)), ("bytes=-0", 5, .unsatisfiable),
            ("bytes=0-", 0, .unsatisfiable), ("bytes=-5", 0, .unsatisfiable), ("bytes=a-b", 5, .whole), ("bytes=5-", 5, .unsatisfiable),
            ("bytes=", 5, .whole), ("bytes=-", 5, .whole),
        ] as [(String, UInt64, ByteRange)])
    func byteRange(_ header: String, _ size: UInt64, _ expected: ByteRange) {
        #expect(ByteRange.parse(header, size: size) == expected)
    }
}
