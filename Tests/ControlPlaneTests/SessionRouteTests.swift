import APIClient
import APISchema
import Filesystem
import NIOCore
import NIOHTTP1
import Primitives
import Synchronization
import Testing

@Suite struct SessionRouteTests {
    @Test func operations() async throws {
        try await Fixture.run { fixture in
            let client = fixture.client
            let volume = try await fixture.volume()
            let session = try await client.openSession(volume)
            let path = FilePath([0x66, 0xff])!
            let open = try await client.perform(.open(path: path, mode: .replace(mode: 0o600, refuseExisting: true)), session: session)
                .outcome
            guard case .opened(let handle, _) = open.value else {
                Issue.record("\(open)")
                return
            }
            #expect(open.cost == OperationCost(wideAreaRoundTrips: 1, wideAreaBytes: 100, chunksFromRegion: 2, chunksFromAfar: 3))
            let bytes = ByteBuffer(bytes: (0..<100_000).map { UInt8(truncatingIfNeeded: $0) })
            let written = try await client.perform(.write(handle: handle, offset: 0), session: session, payload: bytes).outcome
            #expect(written.value == .written(length: 100_000))
            _ = try await client.perform(.write(handle: handle, offset: .max), session: session, payload: ByteBuffer(string: "end"))
            _ = try await client.perform(.close(handle: handle, abandon: false), session: session)
            guard
                case .opened(let reader, let attributes) = try await client.perform(.open(path: path, mode: .read), session: session)
                    .outcome.value
            else { return }
            #expect(attributes.size == 100_003)
            let read = try await client.perform(.read(handle: reader, offset: 99_999, length: 100), session: session)
            #expect(read.data.map { Array($0.readableBytesView) } == [bytes.getInteger(at: 99_999)!] + Array("end".utf8))
            #expect(read.outcome.value == .data(length: 4, endOfFile: true))
            guard
                case .entries(let entries, nil) = try await client.perform(.list(path: .root, cookie: 0, limit: 10), session: session)
                    .outcome.value
            else { return }
            #expect(entries.map(\.name) == [[0x66, 0xff]])
            _ = try await client.perform(.setXattr(path: path, name: Array("user.a".utf8), value: [0xff]), session: session)
            let xattr = try await client.perform(.getXattr(path: path, name: Array("user.a".utf8)), session: session).outcome.value
            #expect(xattr == .bytes([0xff]))
            let receipt = try await client.perform(.commit(CommitOptions(message: "m")), session: session).outcome
            guard case .receipt(let commit) = receipt.value else { return }
            #expect(commit.version == VersionID(1))
            #expect(commit.completeRegions.map(\.name) == ["eu-west-1", "us-east-1"])
            let history = try await client.perform(.history(limit: 5), session: session).outcome.value
            if case .history(let versions) = history { #expect(versions.count == 1) } else { Issue.record("\(history)") }
            try await client.closeSession(session)
            #expect(await failure { _ = try await client.perform(.statistics, session: session) }?.code == .badHandle)
            try await client.closeSession(session)
        }
    }

    @Test func repeatsWhatMayBeRepeated() async throws {
        try await Fixture.run { fixture in
            let session = try await fixture.client.openSession(try await fixture.nfs())
            fixture.node.failNext(2)
            let statistics = try await fixture.client.perform(.statistics, session: session).outcome.value
            #expect(statistics == .statistics(FilesystemStatistics(files: 0, directories: 0, bytes: 0)))
            fixture.node.failNext(1)
            let make = FileOperation.makeDirectory(path: FilePath("d")!, mode: 0o755, parents: false)
            #expect(await failure { _ = try await fixture.client.perform(make, session: session) }?.code == .unavailable)
            #expect(fixture.node.state.withLock { $0.isUnavailable } == 0)
        }
    }

    @Test func modeRules() async throws {
        try await Fixture.run { fixture in
            let session = try await fixture.client.openSession(try await fixture.nfs())
            #expect(await failure { _ = try await fixture.client.perform(.commit(CommitOptions()), session: session) }?.code == .wrongKind)
            let missing = FileOperation.stat(path: FilePath("none")!, followLinks: true)
            #expect(await failure { _ = try await fixture.client.perform(missing, session: session) }?.code == .notFound)
            let past = SessionOptions(version: VersionID(99))
            let volume = try await fixture.volume()
            #expect(await failure { _ = try await fixture.client.openSession(volume, options: past) }?.code == .notFound)
        }
    }
}
