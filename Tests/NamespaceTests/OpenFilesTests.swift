import Namespace
import Primitives
import Testing

/// Background commits leave out what is being written.
@Suite struct OpenFilesTests {
    /// Random changes, random files held open: what is left out is not published, nothing is lost, and
    /// once nothing is open the volume is what the session is.
    @Test(arguments: 0..<80) func whatIsLeftOutComesLater(seed: UInt64) throws {
        var state = NamespaceState(settings: NamespaceSettings(salt: seed), time: WallTime(nanoseconds: 0))
        var writer = NamespaceMergeTests.Writer(generator: SeededGenerator(seed: seed), name: "x")
        var chance = SeededGenerator(seed: seed &+ 1_000)
        var now: Int64 = 0
        var session = state.session()
        var base = state.tree
        for round in 0..<8 {
            for _ in 0..<10 {
                now += 1
                writer.change(&session, now)
            }
            let time = WallTime(nanoseconds: now)
            let files = NamespaceMergeTests.files(session.tree)
            let open = round == 7 ? [] : files.filter { _ in chance.below(3) == 0 }
            let published = session.tree(leavingOut: open, base: base, time: time)
            let changes = VolumeChanges.between(base: base, staged: published, version: state.version)
            let reply = state.apply(.commitChanges(changes, CommitInfo(ifUnchanged: true)), context: CommandContext(time: time))
            guard case .success(.committed(let commit)) = reply else {
                Issue.record("seed \(seed), round \(round): \(reply)")
                return
            }
            state.checkInvariants()
            let carried = try state.restaging(
                session, since: published, base: base, commit: commit.renumbering, context: CommandContext(time: time))
            carried.session.checkInvariants()
            #expect(carried.conflicts.isEmpty)
            #expect(
                NamespaceMergeTests.listing(carried.session.tree) == NamespaceMergeTests.listing(session.tree),
                "seed \(seed), round \(round)")
            session = carried.session
            base = state.tree
        }
        #expect(NamespaceMergeTests.listing(state.tree) == NamespaceMergeTests.listing(session.tree), "seed \(seed)")
    }
}

extension NamespaceMergeTests {
    static func files(_ tree: NamespaceTree) -> [InodeID] {
        var found: Set<UInt64> = []
        var open: [InodeID] = [.root]
        while let id = open.popLast() {
            guard let inode = tree.inode(id) else { continue }
            if inode.type == .file { found.insert(id.rawValue) }
            guard inode.isDirectory else { continue }
            for entry in (try? tree.readDirectory(id, limit: .max).entries) ?? [] { open.append(entry.inode) }
        }
        return found.sorted().map { InodeID($0) }
    }
}
