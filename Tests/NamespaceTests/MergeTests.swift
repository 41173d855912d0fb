import Namespace
import Primitives
import Testing

@Suite struct NamespaceMergeTests {
    /// A session's random changes. Every content is a token of its own.
    struct Writer {
        var generator: SeededGenerator
        var count = 0
        let name: String

        mutating func path() -> String {
            (0...generator.below(3)).map { _ in ["a", "b", "c"][generator.below(3)] }.joined(separator: "/")
        }

        mutating func change(_ state: inout NamespaceState, _ now: Int64) {
            count += 1
            let token = Array("\(name)-\(count)".utf8)
            let context = CommandContext(time: WallTime(nanoseconds: now))
            guard let place = try? state.tree.walkToParent(Array(path().utf8)) else { return }
            let other = try? state.tree.walkToParent(Array(path().utf8))
            let target = try? state.tree.lookup(place.directory, place.name)
            switch generator.below(12) {
            case 0..<4:
                let operation = PutFile(path: Array(path().utf8), content: .inline(token), createParents: true)
                _ = state.apply(.putFile(operation), context: context)
            case 4, 5:
                guard let target, target.inode.type == .file else { return }
                _ = state.apply(.writeInline(inode: target.id, write: InlineWrite(token, truncate: true)), context: context)
            case 6: _ = state.apply(.removeTree(parent: place.directory, name: place.name, limit: 0), context: context)
            case 7, 8, 9:
                guard let other else { return }
                let how = RenameMode.allCases[generator.below(3)]
                _ = state.apply(
                    .rename(
                        from: EntryName(directory: place.directory, name: place.name),
                        to: EntryName(directory: other.directory, name: other.name), how: how), context: context)
            case 10:
                guard let other, let target else { return }
                _ = state.apply(.link(inode: target.id, parent: other.directory, name: other.name), context: context)
            default: _ = state.apply(.makeDirectory(parent: place.directory, name: place.name, mode: 0o755), context: context)
            }
        }
    }

    /// All contents in a tree below an inode.
    static func tokens(_ tree: NamespaceTree, below top: InodeID = .root) -> [String] {
        var found: [String] = []
        var open = [top]
        while let id = open.popLast() {
            guard let inode = tree.inode(id) else { continue }
            if inode.isDirectory {
                for entry in (try? tree.readDirectory(id, limit: .max).entries) ?? [] { open.append(entry.inode) }
            } else if inode.type == .file {
                found.append(String(decoding: (try? tree.inlineContent(of: id)) ?? [], as: UTF8.self))
            }
        }
        return Set(found).sorted()
    }

    static func listing(_ tree: NamespaceTree) -> [String] {
        var lines: [String] = []
        var open: [(InodeID, String)] = [(.root, "")]
        while let (id, path) = open.popLast() {
            let inode = tree.inode(id)!
            let content = inode.type == .file ? String(decoding: (try? tree.inlineContent(of: id)) ?? [], as: UTF8.self) : ""
            // A directory in which a name came and went again has another time and is no change.
            let modified = inode.isDirectory ? 0 : inode.modified.nanoseconds
            lines.append("\(path) \(inode.type) l\(inode.links) m\(modified) \(content)")
            guard inode.isDirectory else { continue }
            for entry in (try? tree.readDirectory(id, limit: .max).entries) ?? [] {
                open.append((entry.inode, path + "/" + String(decoding: entry.name, as: UTF8.self)))
            }
        }
        return lines.sorted()
    }

    /// Alone, a commit makes exactly what was staged, whatever was done.
    @Test(arguments: 0..<40) func aloneACommitIsExact(seed: UInt64) throws {
        var state = NamespaceState(settings: NamespaceSettings(salt: seed), time: WallTime(nanoseconds: 0))
        var writer = Writer(generator: SeededGenerator(seed: seed), name: "x")
        var now: Int64 = 0
        for _ in 0..<6 {
            let base = state.tree
            var session = state.session()
            for _ in 0..<15 {
                now += 1
                writer.change(&session, now)
            }
            session.checkInvariants()
            let changes = VolumeChanges.between(base: base, staged: session.tree, version: state.version)
            #expect(try VolumeChanges(xdr: changes.xdrBytes) == changes)
            let reply = state.apply(
                .commitChanges(changes, CommitInfo(ifUnchanged: true)), context: CommandContext(time: WallTime(nanoseconds: now)))
            guard case .success(.committed(let commit)) = reply else {
                Issue.record("seed \(seed): \(reply)")
                return
            }
            #expect(commit.conflicts.isEmpty)
            state.checkInvariants()
            #expect(Self.listing(state.tree) == Self.listing(session.tree), "seed \(seed)")
        }
    }

    /// Sessions that commit past each other: nothing is ever lost in silence. Every content that was
    /// committed since a session began is still there after its commit, or in the version that a
    /// conflict names; all that the session wrote is there; replicas agree; invariants hold.
    @Test(arguments: 0..<60) func nothingIsLostInSilence(seed: UInt64) throws {
        var state = NamespaceState(settings: NamespaceSettings(salt: seed, versionsKept: 5), time: WallTime(nanoseconds: 0))
        var replica = state
        var generator = SeededGenerator(seed: seed &* 7 &+ 1)
        var now: Int64 = 0
        struct Session {
            var base: NamespaceTree
            var version: VersionID
            var staged: NamespaceState
        }
        var sessions = [Session?](repeating: nil, count: 3)
        var writers = (0..<3).map { Writer(generator: SeededGenerator(seed: seed * 10 + UInt64($0)), name: ["x", "y", "z"][$0]) }
        for _ in 0..<120 {
            let who = generator.below(3)
            now += 1
            guard var session = sessions[who] else {
                sessions[who] = Session(base: state.tree, version: state.version, staged: state.session())
                continue
            }
            if generator.below(6) > 0 {
                writers[who].change(&session.staged, now)
                writers[who].change(&session.staged, now)
                sessions[who] = session
                continue
            }
            sessions[who] = nil
            let before = state.tree
            let changes = VolumeChanges.between(base: session.base, staged: session.staged.tree, version: session.version)
            let operation = NamespaceOperation.commitChanges(changes, CommitInfo(author: "\(who)"))
            let context = CommandContext(time: WallTime(nanoseconds: now))
            let result = state.apply(operation, context: context)
            #expect(replica.apply(operation, context: context) == result)
            guard case .success(.committed(let commit)) = result else {
                Issue.record("seed \(seed): \(result)")
                return
            }
            let faults = state.faults()
            #expect(faults.isEmpty, "seed \(seed): \(faults)")
            if !faults.isEmpty { return }
            try checkLosses(before, session.base, session.staged.tree, state, commit, seed)
        }
        #expect(state.namespaceDigest == replica.namespaceDigest)
        let decoded = try throughSnapshot(state)
        #expect(decoded.namespaceDigest == state.namespaceDigest)
        for version in state.history.versions { #expect(version.tree.faults().isEmpty) }
    }

    private func checkLosses(
        _ before: NamespaceTree, _ base: NamespaceTree, _ staged: NamespaceTree, _ after: NamespaceState, _ commit: VolumeCommit,
        _ seed: UInt64
    ) throws {
        let known = Set(Self.tokens(base))
        let live = Set(Self.tokens(after.tree))
        var kept: Set<String> = []
        for conflict in commit.conflicts {
            guard let losing = conflict.losing else { continue }
            kept.formUnion(Self.tokens(try after.tree(at: losing.version), below: losing.id))
        }
        for token in Self.tokens(before) where !known.contains(token) && !live.contains(token) {
            #expect(kept.contains(token), "seed \(seed): \(token) of someone else was lost in \(commit.version)")
        }
        for token in Self.tokens(staged) where !known.contains(token) {
            #expect(live.contains(token), "seed \(seed): \(token) of the session was lost in \(commit.version)")
        }
        if commit.conflicts.isEmpty {
            // What neither touched stays.
            let both = Set(Self.tokens(before)).intersection(Self.tokens(staged)).intersection(known)
            for token in both { #expect(live.contains(token), "seed \(seed): \(token), which nobody touched, is gone") }
        }
    }

    /// Malformed changes are refused or harmless, never a crash, and never leave a broken tree.
    @Test(arguments: 0..<30) func malformedChangesAreHarmless(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var state = NamespaceState(settings: NamespaceSettings(salt: 1), time: WallTime(nanoseconds: 0))
        var writer = Writer(generator: SeededGenerator(seed: seed), name: "x")
        for step in 0..<30 { writer.change(&state, Int64(step)) }
        var refused = 0
        for _ in 0..<60 {
            let base = state.tree
            var session = state.session()
            for _ in 0..<6 { writer.change(&session, 50) }
            var changes = VolumeChanges.between(base: base, staged: session.tree, version: state.version)
            Mutation.apply(to: &changes, &generator)
            let result = state.apply(.commitChanges(changes, CommitInfo()), context: CommandContext(time: WallTime(nanoseconds: 60)))
            if result.error != nil { refused += 1 }
            let faults = state.faults()
            #expect(faults.isEmpty, "seed \(seed): \(faults), \(changes)")
            if !faults.isEmpty { return }
        }
        #expect(refused > 3)
    }
}

/// Breaks changes in one place.
enum Mutation {
    static func apply(to changes: inout VolumeChanges, _ generator: inout SeededGenerator) {
        func id(_ generator: inout SeededGenerator) -> InodeID {
            let small = UInt64(generator.below(20))
            return InodeID(generator.below(2) == 0 ? small : small | InodeID.provisionalBit)
        }
        if !changes.entries.isEmpty, generator.below(2) == 0 {
            let index = generator.below(changes.entries.count)
            switch generator.below(6) {
            case 0: changes.entries.remove(at: index)
            case 1: changes.entries.append(changes.entries[index])
            case 2: changes.entries[index].new = EntryTarget(inode: id(&generator), type: generator.below(2) == 0 ? .file : .directory)
            case 3: changes.entries[index].old = EntryTarget(inode: id(&generator), type: .file)
            case 4: changes.entries[index].name = EntryName(directory: id(&generator), name: [65])
            default: changes.entries[index].name = EntryName(directory: changes.entries[index].name.directory, name: [47])
            }
        } else if !changes.inodes.isEmpty, generator.below(2) == 0 {
            let index = generator.below(changes.inodes.count)
            switch generator.below(6) {
            case 0: changes.inodes.remove(at: index)
            case 1: changes.inodes.append(changes.inodes[index])
            case 2: changes.inodes[index].id = id(&generator)
            case 3: changes.inodes[index].inode.type = InodeType.allCases[generator.below(7)]
            case 4: changes.inodes[index].content = FileContent(inline: [1], size: UInt64(generator.below(3)))
            default: changes.inodes[index].names = [EntryName(directory: id(&generator), name: [66])]
            }
        } else if !changes.directories.isEmpty {
            let index = generator.below(changes.directories.count)
            switch generator.below(3) {
            case 0: changes.directories.remove(at: index)
            case 1: changes.directories[index].id = id(&generator)
            default: changes.directories[index].name = EntryName(directory: id(&generator), name: [67])
            }
        }
    }
}
