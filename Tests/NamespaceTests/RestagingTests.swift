import Namespace
import Primitives
import Testing

/// A session that goes on staging while its commit is on its way.
@Suite struct RestagingTests {
    private func commit(_ state: inout NamespaceState, _ changes: VolumeChanges, _ now: Int64, ifUnchanged: Bool = true) throws
        -> VolumeCommit
    {
        let reply = state.apply(
            .commitChanges(changes, CommitInfo(ifUnchanged: ifUnchanged)), context: CommandContext(time: WallTime(nanoseconds: now)))
        switch reply {
        case .success(.committed(let commit)): return commit
        case .success: throw NamespaceError(.invalid, object: "", cause: "no commit")
        case .failure(let error): throw error
        }
    }

    /// Alone, it holds afterwards what it held before, and its next commit is exact and meets nobody.
    @Test(arguments: 0..<80) func aloneNothingChangesButTheVersion(seed: UInt64) throws {
        var state = NamespaceState(settings: NamespaceSettings(salt: seed), time: WallTime(nanoseconds: 0))
        var writer = NamespaceMergeTests.Writer(generator: SeededGenerator(seed: seed), name: "x")
        var now: Int64 = 0
        var session = state.session()
        var base = state.tree
        func change(_ times: Int) {
            for _ in 0..<times {
                now += 1
                writer.change(&session, now)
            }
        }
        for round in 0..<6 {
            change(12)
            let published = session.tree
            let changes = VolumeChanges.between(base: base, staged: published, version: state.version)
            change(round == 3 ? 0 : 12)
            let done = try commit(&state, changes, now)
            #expect(done.conflicts.isEmpty, "seed \(seed), round \(round): \(done.conflicts)")
            let carried = try state.restaging(
                session, since: published, base: base, commit: done.renumbering, context: CommandContext(time: WallTime(nanoseconds: now)))
            carried.session.checkInvariants()
            #expect(carried.conflicts.isEmpty, "seed \(seed), round \(round): \(carried.conflicts)")
            #expect(
                NamespaceMergeTests.listing(carried.session.tree) == NamespaceMergeTests.listing(session.tree),
                "seed \(seed), round \(round)")
            session = carried.session
            base = state.tree
        }
    }

    /// With others who commit meanwhile, all that the session wrote is in its own view, and what lost
    /// is named.
    @Test(arguments: 0..<60) func nothingOfTheSessionIsLost(seed: UInt64) throws {
        var state = NamespaceState(settings: NamespaceSettings(salt: seed), time: WallTime(nanoseconds: 0))
        var mine = NamespaceMergeTests.Writer(generator: SeededGenerator(seed: seed &* 3), name: "x")
        var theirs = NamespaceMergeTests.Writer(generator: SeededGenerator(seed: seed &* 3 &+ 1), name: "y")
        var now: Int64 = 0
        for _ in 0..<6 {
            let base = state.tree
            var session = state.session()
            var other = state.session()
            for _ in 0..<8 {
                now += 1
                mine.change(&session, now)
                theirs.change(&other, now)
            }
            let published = session.tree
            let changes = VolumeChanges.between(base: base, staged: published, version: state.version)
            let otherChanges = VolumeChanges.between(base: base, staged: other.tree, version: state.version)
            for _ in 0..<8 {
                now += 1
                mine.change(&session, now)
            }
            _ = try commit(&state, otherChanges, now)
            let done = try commit(&state, changes, now, ifUnchanged: false)
            let carried: Restaging
            do throws(NamespaceError) {
                carried = try state.restaging(
                    session, since: published, base: base, commit: done.renumbering,
                    context: CommandContext(time: WallTime(nanoseconds: now)))
            } catch {
                #expect(error.errno == .conflict, "seed \(seed): \(error)")
                continue
            }
            carried.session.checkInvariants()
            let wanted = NamespaceMergeTests.tokens(session.tree).filter { $0.hasPrefix("x") }
            let seen = NamespaceMergeTests.tokens(carried.session.tree)
            // A file that others removed or replaced, and that this session did not touch, may go.
            let before = Set(NamespaceMergeTests.tokens(base))
            #expect(wanted.filter { !seen.contains($0) && !before.contains($0) } == [], "seed \(seed)")
            let next = try commit(
                &state, VolumeChanges.between(base: state.tree, staged: carried.session.tree, version: state.version), now)
            #expect(next.conflicts.isEmpty)
            #expect(NamespaceMergeTests.listing(state.tree) == NamespaceMergeTests.listing(carried.session.tree), "seed \(seed)")
        }
    }
}
