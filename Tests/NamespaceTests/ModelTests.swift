import Namespace
import Primitives
import Testing

@Suite struct NamespaceModelTests {
    /// Random commands against the model: the same answers, the same tree. On the way snapshots go
    /// through the codec, and an older state, kept by assignment, must stay what it was.
    @Test(arguments: 0..<12) func behavesAsTheModel(seed: UInt64) throws {
        var random = RandomOperations(seed: seed)
        var state = NamespaceState(settings: NamespaceSettings(salt: seed), time: WallTime(nanoseconds: 0))
        var kept: (NamespaceState, [String])?
        var refusals = 0
        for step in 1...700 {
            let now = Int64(step)
            let tree = state.tree
            let (what, expected, actual) = random.step(tree, now) { operation in
                state.apply(operation, context: CommandContext(time: WallTime(nanoseconds: now))).error?.errno
            }
            #expect(expected == actual, "step \(step): \(what)")
            if actual != nil { refusals += 1 }
            guard step % 50 == 0 else { continue }
            let lines = try state.tree.lines(RandomOperations.bytes)
            try #require(lines == random.model.lines(), "step \(step)")
            state.checkInvariants()
            if let (old, lines) = kept { #expect(try old.tree.lines(RandomOperations.bytes) == lines) }
            if step % 200 == 0 { kept = (state, lines) }
            state = try throughSnapshot(state)
        }
        #expect(refusals > 20, "the paths of refusal are walked too")
    }

    /// Two replicas, one of which goes through a snapshot in between, agree in every bit.
    @Test(arguments: 0..<4) func replicasAgree(seed: UInt64) throws {
        var random = RandomOperations(seed: seed &+ 100)
        var one = NamespaceState(settings: NamespaceSettings(salt: 3), time: WallTime(nanoseconds: 0))
        var two = one
        for step in 1...300 {
            let context = CommandContext(time: WallTime(nanoseconds: Int64(step)))
            let tree = one.tree
            _ = random.step(tree, Int64(step)) { operation in
                let first = one.apply(operation, context: context)
                let second = two.apply(operation, context: context)
                #expect(first == second)
                return first.error?.errno
            }
            if step % 60 == 0 {
                #expect(one.namespaceDigest == two.namespaceDigest)
                two = try throughSnapshot(two)
            }
        }
        #expect(one.namespaceDigest == two.namespaceDigest)
    }

    /// The digest of the tree tells nothing of how it came to be.
    @Test(arguments: 0..<4) func digestIsIndependentOfHistory(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let context = CommandContext(time: WallTime(nanoseconds: 5))
        var plain = NamespaceState(settings: NamespaceSettings(salt: 1), time: WallTime(nanoseconds: 0))
        var winding = plain
        func apply(_ state: inout NamespaceState, _ operation: NamespaceOperation) throws {
            _ = try state.apply(operation, context: context).get()
        }
        let names = (0..<200).map { Array("f\($0)".utf8) }
        for name in names {
            for part in 0..<2 {
                if part == 0 {
                    try apply(&plain, .createFile(parent: .root, name: name, mode: 0o600, how: .exclusive))
                    try apply(&winding, .createFile(parent: .root, name: name, mode: 0o644, how: .exclusive))
                }
            }
        }
        let chunk = ChunkReference(id: SHA256.hash([1]), length: 100)
        for name in names.shuffled(using: &generator) {
            let (id, _) = try plain.tree.lookup(.root, name)
            let whole = Extent(offset: 0, length: 100, chunk: chunk, chunkOffset: 0)
            try apply(&plain, .writeExtents(inode: id, write: ExtentWrite([whole])))
            let middle = Extent(offset: 10, length: 10, chunk: chunk, chunkOffset: 90)
            try apply(&winding, .writeInline(inode: id, write: InlineWrite(Array("inline".utf8))))
            try apply(&winding, .setAttributes(inode: id, patch: AttributePatch(mode: 0o600, size: 900)))
            try apply(&winding, .writeExtents(inode: id, write: ExtentWrite([middle])))
            try apply(&winding, .writeExtents(inode: id, write: ExtentWrite([whole], newSize: 100)))
            try apply(
                &winding, .rename(from: EntryName(directory: .root, name: name), to: EntryName(directory: .root, name: [1]), how: .replace))
            try apply(&winding, .link(inode: id, parent: .root, name: [2]))
            try apply(&winding, .setXattr(inode: id, name: [3], value: [], how: .either))
            try apply(
                &winding, .rename(from: EntryName(directory: .root, name: [2]), to: EntryName(directory: .root, name: name), how: .replace))
            try apply(&winding, .unlink(parent: .root, name: [1]))
            try apply(&winding, .removeXattr(inode: id, name: [3]))
        }
        #expect(plain.tree.digest == winding.tree.digest)
        #expect(plain.namespaceDigest.state != winding.namespaceDigest.state, "counters do differ")
        try apply(&winding, .setAttributes(inode: InodeID(7), patch: AttributePatch(mode: 0o601)))
        #expect(plain.tree.digest != winding.tree.digest)
    }

    /// An entry that is there all along is listed exactly once while others come and go.
    @Test func cookiesAreStable() throws {
        var generator = SeededGenerator(seed: 1)
        var state = NamespaceState(settings: NamespaceSettings(salt: 9), time: WallTime(nanoseconds: 0))
        let context = CommandContext(time: WallTime(nanoseconds: 1))
        for index in 0..<300 {
            _ = state.apply(.createFile(parent: .root, name: Array("stay\(index)".utf8), mode: 0o600, how: .exclusive), context: context)
        }
        var seen: [[UInt8]] = []
        var cookie: UInt64 = 0
        while true {
            let (entries, atEnd) = try state.tree.readDirectory(.root, after: cookie, limit: 7)
            seen += entries.map(\.name).filter { $0.starts(with: "stay".utf8) }
            if atEnd { break }
            cookie = entries.last!.cookie
            for _ in 0..<5 {
                let name = Array("come\(generator.below(60))".utf8)
                if state.apply(.unlink(parent: .root, name: name), context: context).error != nil {
                    _ = state.apply(.createFile(parent: .root, name: name, mode: 0o600, how: .exclusive), context: context)
                }
            }
        }
        #expect(seen.count == 300)
        #expect(Set(seen).count == 300)
    }

    /// Removing and copying large trees and files stays within its bounds, and empties everything.
    @Test func largeTreesGoInSteps() throws {
        var state = NamespaceState(settings: NamespaceSettings(salt: 2), time: WallTime(nanoseconds: 0))
        let context = CommandContext(time: WallTime(nanoseconds: 1))
        let before = state.tree.digest
        let chunk = ChunkReference(id: SHA256.hash([1]), length: 10)
        let extents = (0..<500).map { Extent(offset: UInt64($0) * 10, length: 10, chunk: chunk, chunkOffset: 0) }
        for index in 0..<300 {
            let content = index % 100 == 0 ? FileContent(extents: extents, size: 5_000) : .inline([1])
            let path = Array("t/\(index % 7)/\(index)".utf8)
            _ = try state.apply(.putFile(PutFile(path: path, content: content, createParents: true)), context: context).get()
        }
        var steps = 0
        while true {
            steps += 1
            let reply = try state.apply(.removeTree(parent: .root, name: Array("t".utf8), limit: 50), context: context).get()
            guard case .tree(_, _, let more) = reply else { break }
            state.checkInvariants()
            if !more { break }
        }
        #expect(steps == 7)
        #expect(state.statistics.inodes == 1)
        _ = state.apply(.setAttributes(inode: .root, patch: AttributePatch(modified: .exact(WallTime(nanoseconds: 0)))), context: context)
        #expect(state.tree.digest == before)
    }
}

func throughSnapshot(_ state: NamespaceState) throws -> NamespaceState {
    var encoder = SnapshotEncoder(state, target: 10_000)
    var decoder = SnapshotDecoder()
    while let piece = encoder.next() { try decoder.consume(piece) }
    return try decoder.finish()
}
