import APIClient
import APISchema
import Filesystem
import NIOCore
import NIOHTTP1
import Primitives
import Testing

/// Uploads with holes, and the route that hands out a group's snapshot.
@Suite struct SparseTests {
    /// The body of a sparse file: what stands where, and its size.
    private func body(_ extents: [(UInt64, [UInt8])], size: UInt64) -> ByteBuffer {
        var out = ByteBuffer()
        for (offset, bytes) in extents {
            out.writeImmutableBuffer(Sparse.head(offset: offset, length: UInt64(bytes.count)))
            out.writeBytes(bytes)
        }
        out.writeImmutableBuffer(Sparse.head(offset: size, length: 0))
        return out
    }

    private func content(_ extents: [(UInt64, [UInt8])], size: UInt64) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: Int(size))
        for (offset, bytes) in extents { out.replaceSubrange(Int(offset)..<Int(offset) + bytes.count, with: bytes) }
        return out
    }

    @Test func extentsLieWhereTheyAreSaidToLie() async throws {
        func bytes(_ count: Int, _ seed: UInt64) -> [UInt8] {
            var generator = SeededGenerator(seed: seed)
            return (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        }
        // In sixteenths of a window: extents within one, across several, next to each other, and of no bytes at all.
        let small: [([(UInt64, [UInt8])], UInt64)] = [
            ([], 0), ([], 5), ([(0, bytes(3, 1))], 3), ([(0, bytes(3, 1))], 40), ([(7, bytes(50, 2))], 57), ([(7, bytes(50, 2))], 58),
            ([(0, bytes(16, 3)), (32, bytes(16, 4))], 48), ([(0, bytes(10, 5)), (10, bytes(10, 6)), (90, bytes(1, 7))], 91),
            ([(5, bytes(1, 8)), (7, bytes(1, 9)), (9, bytes(33, 10))], 1_000),
        ]
        let unit = 4_096
        let large = small.map { extents, size in
            (extents.map { ($0.0 * UInt64(unit), bytes($0.1.count * unit, $0.0)) }, size * UInt64(unit) + 1)
        }
        try await Fixture.run(windowBytes: 16 * unit) { fixture in
            let share = try await fixture.nfs()
            let path = FilePath("f")!
            var options = PutOptions(force: true)
            options.isSparse = true
            for (extents, size) in small + large {
                let stored = try await fixture.client.put(share, path, body(extents, size: size), options: options)
                #expect(stored.bytes == size)
                let found = try await fixture.client.bytes(share, path)
                #expect(Array(found.readableBytesView) == content(extents, size: size), "\(extents.map(\.0)) of \(size)")
            }
        }
    }

    @Test func whatIsNoSparseFileIsRefusedAndLeavesNothing() async throws {
        try await Fixture.run(windowBytes: 1 << 16) { fixture in
            let share = try await fixture.nfs()
            var options = PutOptions()
            options.isSparse = true
            var bodies = [ByteBuffer(), ByteBuffer(bytes: [1, 2, 3])]
            var open = Sparse.head(offset: 0, length: 5)
            open.writeBytes([1, 2, 3, 4, 5])
            bodies.append(open)
            var back = Sparse.head(offset: 10, length: 1)
            back.writeBytes([1])
            back.writeImmutableBuffer(Sparse.head(offset: 3, length: 0))
            bodies.append(back)
            var more = body([(0, [1])], size: 1)
            more.writeBytes([9])
            bodies.append(more)
            bodies.append(Sparse.head(offset: .max, length: 0))
            bodies.append(Sparse.head(offset: 1, length: .max))
            for body in bodies {
                let refused = await failure { _ = try await fixture.client.put(share, FilePath("f")!, body, options: options) }
                #expect(refused?.code == .invalid, "\(body.readableBytes) bytes: \(String(describing: refused))")
                #expect(await failure { _ = try await fixture.client.bytes(share, FilePath("f")!) }?.code == .notFound)
            }
        }
    }

    @Test func theStateOfAGroupIsForAdminsOnly() async throws {
        try await Fixture.run { fixture in
            let (metadata, content) = try await fixture.client.snapshot(of: GroupID(16))
            #expect(metadata == [1, 2, 3] && content == Array(repeating: 6, count: 100_000))
            #expect(await failure { _ = try await fixture.client.snapshot(of: GroupID(17)) }?.code == .notFound)
            #expect(
                await failure { _ = try await fixture.client.snapshot(of: GroupID(16), cluster: "1234567890123456789012") }?.code
                    == .conflict)
            #expect(try await fixture.raw(.GET, "/v1/groups/x/snapshot").status == 400)
            #expect(try await fixture.raw(.GET, "/v1/groups/16/snapshot", token: nil).status == 401)
            let token = try await fixture.client.createToken(about: "t", filesystem: try await fixture.volume(), write: true)
            #expect(try await fixture.raw(.GET, "/v1/groups/16/snapshot", token: token.secret).status == 403)
        }
    }
}
