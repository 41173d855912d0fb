import Namespace
import Primitives
import Testing

@Suite struct NamespaceFormatTests {
    static func busyState(_ seed: UInt64) throws -> NamespaceState {
        var state = NamespaceState(settings: NamespaceSettings(salt: seed, versionsKept: 20), time: WallTime(nanoseconds: 0))
        var writer = NamespaceMergeTests.Writer(generator: SeededGenerator(seed: seed), name: "x")
        let chunk = { (number: Int) in ChunkReference(id: SHA256.hash(Array("\(number)".utf8)), length: 100) }
        for round in 0..<12 {
            let base = state.tree
            var session = state.session()
            for step in 0..<10 { writer.change(&session, Int64(round * 10 + step)) }
            let extents = (0..<3).map { Extent(offset: UInt64($0) * 100, length: 100, chunk: chunk(round * 2 + $0), chunkOffset: 0) }
            let put = PutFile(path: Array("big".utf8), content: FileContent(extents: extents, size: 300))
            _ = session.apply(.putFile(put), context: CommandContext(time: WallTime(nanoseconds: 1)))
            let changes = VolumeChanges.between(base: base, staged: session.tree, version: state.version)
            let context = CommandContext(time: WallTime(nanoseconds: Int64(round)))
            _ = try state.apply(.commitChanges(changes, CommitInfo(author: "a", message: "m")), context: context).get()
        }
        return state
    }

    /// All versions, digests and metadata come back; the size follows what changed.
    @Test(arguments: 0..<4) func snapshotsRoundTrip(seed: UInt64) throws {
        var state = try Self.busyState(seed)
        _ = state.apply(.rollback(to: VersionID(4), CommitInfo()), context: CommandContext(time: WallTime(nanoseconds: 99)))
        _ = state.apply(.openReference(inode: .root, owner: 5), context: CommandContext(time: WallTime(nanoseconds: 99)))
        let decoded = try throughSnapshot(state)
        #expect(decoded.namespaceDigest == state.namespaceDigest)
        #expect(decoded.statistics == state.statistics)
        #expect(decoded.isReferenced(.root))
        for (a, b) in zip(decoded.history.versions, state.history.versions) {
            #expect(a.id == b.id && a.digest == b.digest && a.info == b.info && a.tree.statistics == b.tree.statistics)
            #expect(a.tree.records.digest == b.tree.records.digest)
        }
        #expect(Array(decoded.tree.records.map(\.key)) == Array(state.tree.records.map(\.key)))
        decoded.checkInvariants()
    }

    @Test func snapshotPiecesAreBounded() throws {
        var state = NamespaceState(settings: NamespaceSettings(salt: 1), time: WallTime(nanoseconds: 0))
        let context = CommandContext(time: WallTime(nanoseconds: 1))
        let value = [UInt8](repeating: 7, count: NamespaceLimits.xattrBytes)
        for index in 0..<40 {
            let name = Array("f\(index)".utf8)
            let reply = try state.apply(.createFile(parent: .root, name: name, mode: 0o600, how: .exclusive), context: context).get()
            _ = try state.apply(.setXattr(inode: reply.object!.id, name: name, value: value, how: .either), context: context).get()
        }
        var encoder = SnapshotEncoder(state)
        var pieces: [[UInt8]] = []
        while let piece = encoder.next() { pieces.append(piece) }
        #expect(pieces.count == 4)
        #expect(pieces.allSatisfy { $0.count <= SnapshotDecoder.pieceBytes })
    }

    /// A damaged, shortened or shuffled snapshot is refused; nothing crashes.
    @Test(arguments: 0..<6) func damagedSnapshotsAreRefused(seed: UInt64) throws {
        let state = try Self.busyState(seed)
        var encoder = SnapshotEncoder(state, target: 3_000)
        var pieces: [[UInt8]] = []
        while let piece = encoder.next() { pieces.append(piece) }
        var generator = SeededGenerator(seed: seed)
        func decode(_ pieces: [[UInt8]]) throws -> NamespaceState {
            var decoder = SnapshotDecoder()
            for piece in pieces { try decoder.consume(piece) }
            return try decoder.finish()
        }
        #expect(try decode(pieces).namespaceDigest == state.namespaceDigest)
        #expect(throws: SnapshotError.self) { _ = try decode(Array(pieces.dropLast())) }
        #expect(throws: SnapshotError.self) { _ = try decode(Array(pieces.reversed())) }
        #expect(throws: SnapshotError.self) { _ = try decode([]) }
        for _ in 0..<150 {
            var damaged = pieces
            let piece = generator.below(damaged.count)
            let byte = generator.below(damaged[piece].count)
            if generator.below(5) == 0 {
                damaged[piece].removeSubrange(byte...)
            } else {
                damaged[piece][byte] ^= UInt8(1 << generator.below(8))
            }
            #expect(throws: SnapshotError.self) { _ = try decode(damaged) }
        }
    }

    /// Exactly the chunks of the live tree, of open files without a name and of kept versions.
    @Test(arguments: 0..<4) func referencedChunksAreExact(seed: UInt64) throws {
        var state = try Self.busyState(seed)
        func expected() -> Set<ChunkID> {
            var found: Set<ChunkID> = []
            for tree in state.history.versions.map(\.tree) + [state.tree] {
                for (_, record) in tree.records { if case .extent(_, let chunk, _) = record { found.insert(chunk.id) } }
            }
            return found
        }
        func scanned() -> Set<ChunkID> {
            var found: Set<ChunkID> = []
            var scan = ChunkScan(state)
            while let chunks = scan.next(limit: 5) { found.formUnion(chunks.map(\.id)) }
            return found
        }
        #expect(scanned() == expected())
        #expect(scanned().count > 20)
        // With less history there are fewer of them.
        let before = scanned().count
        var settings = state.settings
        settings.versionsKept = 2
        let context = CommandContext(time: WallTime(nanoseconds: 500))
        _ = try state.apply(.configure(settings), context: context).get()
        _ = try state.apply(.rollback(to: VersionID(3), CommitInfo()), context: context).get()
        #expect(scanned() == expected())
        #expect(scanned().count < before)
        // Held open without a name.
        let (id, _) = try state.tree.lookup(.root, Array("big".utf8))
        _ = try state.apply(.openReference(inode: id, owner: 1), context: context).get()
        _ = try state.apply(.unlink(parent: .root, name: Array("big".utf8)), context: context).get()
        #expect(scanned() == expected())
        var added: Set<ChunkID> = []
        var gone: Set<ChunkID> = []
        let (old, new) = (state.history.versions[0].tree, state.history.latest.tree)
        new.forEachChunkChange(from: old) { chunk, isNew in if isNew { added.insert(chunk.id) } else { gone.insert(chunk.id) } }
        #expect(!added.isEmpty && !gone.isEmpty)
    }

    /// What any front end may send as a command is decoded or refused.
    @Test func commandsSurviveDamage() {
        var generator = SeededGenerator(seed: 4)
        let context = CommandContext(
            time: WallTime(nanoseconds: -1), credentials: Credentials(user: 1, group: 2, groups: [3, 4]), enforcePermissions: true)
        let put = PutFile(
            path: Array("a/b".utf8), content: FileContent(inline: [1, 2, 3], size: 9), owner: 4, group: 5,
            modified: WallTime(nanoseconds: 6),
            xattrs: [Xattr(name: [1], value: [2])], createParents: true, exclusive: true)
        let operations: [NamespaceOperation] = [
            .putFile(put), .batch([.unlink(parent: .root, name: [65]), .releaseReferences(owner: 4)]),
            .setAttributes(
                inode: .root, patch: AttributePatch(mode: 1, accessed: .now, modified: .exact(WallTime(nanoseconds: 3)), ifChangeID: 5)),
            .resolveConflict(id: 3, .restore(path: [65, 66], CommitInfo(author: "x"))),
        ]
        var decodedAnyway = 0
        for operation in operations {
            let bytes = NamespaceCommand(operation, context: context).xdrBytes
            #expect((try? NamespaceCommand(xdr: bytes))?.operation == operation)
            for _ in 0..<400 {
                var damaged = bytes
                damaged[generator.below(damaged.count)] ^= UInt8(1 << generator.below(8))
                if let command = try? NamespaceCommand(xdr: damaged) {
                    decodedAnyway += 1
                    #expect(command.xdrBytes == damaged)
                }
            }
        }
        #expect(decodedAnyway > 0)
    }

    /// The wire form of a command, byte by byte: it is in logs that outlive this code.
    @Test func wireFormIsFixed() {
        let command = NamespaceCommand(
            .rename(from: EntryName(directory: .root, name: [97]), to: EntryName(directory: InodeID(2), name: [98]), how: .noReplace),
            context: CommandContext(time: WallTime(nanoseconds: 5)))
        #expect(
            Hex.encode(command.xdrBytes)
                == "00000001" + "0000000000000005" + "00000000" + "00000000" + "00000000" + "00000000" + "00000009"
                + "0000000000000001" + "00000001" + "61000000" + "0000000000000002" + "00000001" + "62000000" + "00000001")
        #expect(Errno.notEmpty.rawValue == 39 && Errno.stale.rawValue == 116)
    }
}
