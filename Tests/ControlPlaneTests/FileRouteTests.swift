import APIClient
import APISchema
import Filesystem
import NIOCore
import NIOHTTP1
import Primitives
import Synchronization
import Testing

@Suite struct FileRouteTests {
    @Test func putGetDelete() async throws {
        try await Fixture.run { fixture in
            let client = fixture.client
            let volume = try await fixture.volume()
            let path = FilePath([0x64, 0x2f, 0x20, 0xff, 0x25])!
            let time = WallTime(nanoseconds: 1_600_000_000_123_456_789)
            let stored = try await client.put(
                volume, path, ByteBuffer(string: "hello"), options: PutOptions(permissions: 0o755, modified: time))
            #expect(stored.bytes == 5)
            #expect(stored.receipt?.version == VersionID(1))
            #expect(stored.cost.wideAreaRoundTrips > 1)
            let refused = await failure { _ = try await client.put(volume, path, ByteBuffer(string: "again")) }
            #expect(refused?.code == .exists)
            let replaced = try await client.put(volume, path, ByteBuffer(string: "hello world"), options: PutOptions(force: true))
            #expect(replaced.receipt?.version == VersionID(2))
            let download = try await client.get(volume, path)
            #expect(download.length == 11)
            #expect(download.permissions == 0o755)
            #expect(download.modified == time)
            let text = Mutex("")
            try await download.forEach { buffer in text.withLock { $0 += String(buffer: buffer) } }
            #expect(text.withLock { $0 } == "hello world")
            #expect(String(buffer: try await client.bytes(volume, path, range: 6..<11)) == "world")
            let found1 = try await client.remove(volume, path, recursive: false).receipt?.version
            #expect(found1 == VersionID(3))
            #expect(await failure { _ = try await client.bytes(volume, path) }?.code == .notFound)
            let share = try await fixture.nfs()
            let found2 = try await client.put(share, path, ByteBuffer(string: "x")).receipt
            #expect(found2 == nil)
            #expect(fixture.node.state.withLock { $0.sessions.count } == 0)
        }
    }

    @Test func ranges() async throws {
        try await Fixture.run { fixture in
            let share = try await fixture.nfs()
            _ = try await fixture.client.put(share, FilePath("f")!, ByteBuffer(string: "0123456789"))
            let url = "/v1/filesystems/\(share)/files/f"
            for (range, status, text) in [
                ("bytes=2-4", 206, "234"), ("bytes=7-", 206, "789"), ("bytes=-3", 206, "789"), ("bytes=-99", 206, "0123456789"),
                ("bytes=0-99", 206, "0123456789"), ("bytes=4-2", 200, "0123456789"), ("lines=1-2", 200, "0123456789"),
                ("bytes=0-1,3-4", 200, "0123456789"),
            ] {
                let answer = try await fixture.raw(.GET, url, headers: [("range", range)])
                #expect(answer.status == status, "\(range)")
                #expect(answer.text == text, "\(range)")
            }
            let beyond = try await fixture.raw(.GET, url, headers: [("range", "bytes=10-")])
            #expect(beyond.status == 416)
            #expect(beyond.headers.first(name: "content-range") == "bytes */10")
            let part = try await fixture.raw(.GET, url, headers: [("range", "bytes=2-4")])
            #expect(part.headers.first(name: "content-range") == "bytes 2-4/10")
            let head = try await fixture.raw(.HEAD, url)
            #expect(head.status == 200)
            #expect(head.headers.first(name: "content-length") == "10")
            #expect(head.text.isEmpty)
        }
    }

    @Test func directories() async throws {
        try await Fixture.run { fixture in
            let share = try await fixture.nfs()
            for name in ["a", "b", "c"] { _ = try await fixture.client.put(share, FilePath("d/\(name)")!, ByteBuffer(string: name)) }
            let answer = try await fixture.raw(.GET, "/v1/filesystems/\(share)/files/d?limit=2")
            #expect(answer.status == 200)
            #expect(answer.text.hasPrefix(#"{"type":"entries","entries":[{"name":"a","#))
            #expect(answer.text.contains(#""next_cookie":"2""#))
            let root = try await fixture.raw(.GET, "/v1/filesystems/\(share)/files/")
            #expect(root.text.contains(#""name":"d","inode":1,"type":"dir""#))
            #expect(await failure { _ = try await fixture.client.get(share, FilePath("d")!) }?.code == .isDirectory)
            #expect(await failure { _ = try await fixture.client.remove(share, FilePath("d")!, recursive: false) }?.code == .notEmpty)
            _ = try await fixture.client.remove(share, FilePath("d")!, recursive: true)
            let found3 = try await fixture.raw(.PUT, "/v1/filesystems/\(share)/files/", body: "x").status
            #expect(found3 == 409)
        }
    }

    @Test func stagedInASession() async throws {
        try await Fixture.run { fixture in
            let volume = try await fixture.volume()
            let session = try await fixture.client.openSession(volume)
            let stored = try await fixture.client.put(
                volume, FilePath("a")!, ByteBuffer(string: "x"), options: PutOptions(session: session))
            #expect(stored.receipt == nil)
            guard case .session(let status) = try await fixture.client.perform(.sessionStatus, session: session).outcome.value else {
                return
            }
            #expect(status.staged == 1)
            #expect(String(buffer: try await fixture.client.bytes(volume, FilePath("a")!, session: session)) == "x")
        }
    }

    /// 50 MiB each way: what the node holds at once stays within the windows in flight.
    @Test func streamsInBoundedMemory() async throws {
        try await Fixture.run { fixture in
            let share = try await fixture.nfs()
            let size = 50 << 20
            let piece = ByteBuffer(bytes: (0..<65_536).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) })
            let source = AsyncStream(ByteBuffer.self) { continuation in
                for _ in 0..<(size / 65_536) { continuation.yield(piece) }
                continuation.finish()
            }
            let stored = try await fixture.client.put(share, FilePath("big")!, source, length: UInt64(size))
            #expect(stored.bytes == UInt64(size))
            let most = fixture.node.state.withLock { $0.heldMost }
            #expect(most >= 1 << 20)
            #expect(most <= 4 << 20)
            fixture.node.state.withLock { $0.heldMost = 0 }
            let received = Mutex(0)
            let differences = Mutex(0)
            try await fixture.client.get(share, FilePath("big")!).forEach { buffer in
                let start = received.withLock { count in
                    defer { count += buffer.readableBytes }
                    return count
                }
                let first = piece.getInteger(at: start % 65_536, as: UInt8.self)
                if buffer.getInteger(at: buffer.readerIndex, as: UInt8.self) != first { differences.withLock { $0 += 1 } }
            }
            #expect(received.withLock { $0 } == size)
            #expect(differences.withLock { $0 } == 0)
            #expect(fixture.node.state.withLock { $0.heldMost } <= 4)
            #expect(fixture.node.state.withLock { $0.reads } == 50)
        }
    }

    @Test func chunkedUpload() async throws {
        try await Fixture.run(windowBytes: 65_536) { fixture in
            let share = try await fixture.nfs()
            let source = AsyncStream(ByteBuffer.self) { continuation in
                for _ in 0..<10 { continuation.yield(ByteBuffer(repeating: 7, count: 50_000)) }
                continuation.finish()
            }
            let found4 = try await fixture.client.put(share, FilePath("c")!, source, length: nil).bytes
            #expect(found4 == 500_000)
            let found5 = try await fixture.client.bytes(share, FilePath("c")!).readableBytes
            #expect(found5 == 500_000)
        }
    }
}
