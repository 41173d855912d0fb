import Filesystem
import Namespace
import Primitives

/// Holds what clients of a volume saw against the volume's own log of commits, the witness: each
/// version names, in its message, the commit that made it. The model is a map from files to values.
///
/// - every version is a commit that somebody began, and none became two versions
/// - no acknowledged commit is missing or stands elsewhere; no refused one is there
/// - a commit that had ended before another began comes before it
/// - the snapshot of each version holds what the model holds; the last writer of a file wins
/// - what a commit overwrote without having seen it is listed in its receipt
/// - reads and lists of a session show its version
/// - `reload latest` sees all that was acknowledged before it began (`World.sessionMoved`)
///
/// Versions are told as replicas have them, and checked up to the first whose commit is under way. What they
/// settle is dropped. In the end the replicas must still have the versions that were believed.
struct VolumeChecker {
    struct Version: Hashable {
        let number: UInt64
        /// Of the commit; nil where it is none of the clients'.
        let commit: Int?
        /// Files of `d` with their values; `.max` for what nobody wrote.
        let files: [Int: UInt64]  // looked up only
        /// Of a rollback the version whose content it has.
        var rollback: UInt64?
    }

    let name: String
    private var faults: [(Violation.Kind, String)] = []
    private var faultCount = 0
    private var model = VolumeModel()
    /// Versions that were told and not checked yet.
    private var waiting: ArraySlice<Version> = []
    /// Those that were told last, so many as a replica keeps at least.
    private(set) var recent: ArraySlice<Version> = []
    private(set) var told: UInt64 = 0
    private var latestBegan: (at: Int64, commit: Int)?
    /// By version, to which it went back; looked up only.
    private var rollbacks: [UInt64: UInt64] = [:]
    /// Reads and lists of versions that the model had forgotten.
    private(set) var unseen: UInt64 = 0

    init(name: String) { self.name = name }

    /// The last version that was checked.
    var checked: UInt64 { model.last }
    /// The first version of which the model still knows what it held.
    var oldest: UInt64 { model.oldest }

    mutating func takeFaults() -> [(Violation.Kind, String)] {
        defer { faults = [] }
        return faults
    }

    private mutating func fault(_ text: String, _ kind: Violation.Kind = .volume) {
        faultCount += 1
        if faultCount <= 20 { faults.append((kind, "\(name): \(text)")) }
    }

    // MARK: The witness

    mutating func witness(_ versions: [Version]) {
        guard let last = versions.last else { return }
        waiting += versions
        recent += versions
        if recent.count > 2 * Int(World.versionsKept) { recent = ArraySlice(recent.suffix(Int(World.versionsKept))) }
        told = last.number
    }

    /// What replicas keep in the end must be what was believed, and go on from there.
    mutating func compareEnd(_ kept: [Version]) {
        guard let last = kept.last else {
            if told > 0 { fault("v\(told) was there, and nothing is in the end", .durability) }
            return
        }
        if last.number < told { fault("v\(told) was there, and v\(last.number) is the last in the end", .durability) }
        var believed = recent
        for version in kept where version.number <= told {
            while let first = believed.first, first.number < version.number { believed.removeFirst() }
            guard let known = believed.first, known.number == version.number, known != version else { continue }
            fault("v\(version.number) was \(words(known)), and is \(words(version)) in the end")
        }
        let fresh = kept.filter { $0.number > told }
        if told > 0, let first = fresh.first, first.number != told + 1 {
            fault("versions before v\(first.number) were dropped before they were seen")
        }
        witness(fresh)
    }

    private func words(_ version: Version) -> String {
        let files = version.files.keys.sorted().map { "f\($0) \(WrittenValue.words(version.files[$0]))" }
        return (version.commit.map { "c\($0)" } ?? "nobody's") + " with " + files.joined(separator: ", ")
    }

    // MARK: Going on

    mutating func advance(_ history: inout VolumeHistory, isEnd: Bool) {
        while let version = waiting.first {
            let place = version.commit.flatMap { history.place(of: $0) }
            if !isEnd, let place, history.commits[place].isUnderWay { break }
            waiting.removeFirst()
            take(version, place, &history)
        }
        waiting = ArraySlice(Array(waiting))
        settle(&history, isEnd)
        checkViews(&history, isEnd)
    }

    private mutating func take(_ version: Version, _ place: Int?, _ history: inout VolumeHistory) {
        if version.number > model.last + 1, version.number > 1 {
            // Versions before the first that is kept: the model begins there.
            if model.last == 0 { model.begin(with: version) } else { fault("v\(model.last) is followed by v\(version.number)") }
        }
        guard let place else {
            if let number = version.commit { stranger(version.number, number, history.begun) }
            if let target = version.rollback { rolledBack(version, to: target) }
            return model.take(version)
        }
        let commit = history.commits[place]
        history.update(commit: commit.number) { $0.version = version.number }
        if let other = commit.version { fault("commit c\(commit.number) became v\(other) and v\(version.number)") }
        if let ended = commit.ended, let latest = latestBegan, ended < latest.at {
            fault("c\(latest.commit) began after c\(commit.number) had ended, and comes before it, which is v\(version.number)")
        }
        if commit.began > latestBegan?.at ?? .min { latestBegan = (commit.began, commit.number) }
        if model.isEntangled(commit) {
            for file in Set(model.now.keys).union(version.files.keys).sorted() where model.now[file] != version.files[file] {
                model.keepsIdentity(file, at: version.number)
            }
            for write in commit.writes { model.keepsIdentity(write.file, at: version.number) }
            return model.take(version)
        }
        if commit.hasEdits { for write in commit.writes { model.keepsIdentity(write.file, at: version.number) } }
        let before = model.now
        let overwritten = model.take(commit, as: version.number)
        checkConflicts(commit, overwritten, before)
        compare(version)
    }

    private mutating func rolledBack(_ version: Version, to target: UInt64) {
        rollbacks[version.number] = target
        for file in Set(model.now.keys).union(version.files.keys).sorted() where model.now[file] != version.files[file] {
            model.keepsIdentity(file, at: version.number)
        }
        guard model.has(target), target >= oldest else { return unseen += 1 }
        let wanted = model.files(at: target)
        for file in Set(wanted.keys).union(version.files.keys).sorted() where wanted[file] != version.files[file] {
            fault(
                "v\(version.number) goes back to v\(target), which has \(words(wanted[file])) as f\(file), and has \(words(version.files[file]))"
            )
        }
    }

    private mutating func stranger(_ version: UInt64, _ commit: Int, _ begun: Int) {
        fault(
            (0..<begun).contains(commit)
                ? "v\(version) names commit c\(commit), which had become another version, or was refused, before"
                : "v\(version) names commit c\(commit), which nobody began")
    }

    /// `overwritten`: files of the commit that others had changed after its base, as `before` has them.
    private mutating func checkConflicts(_ commit: CommitRecord, _ overwritten: [Int], _ before: [Int: UInt64]) {
        if commit.ifUnchanged, let file = overwritten.first {
            let write = commit.writes.first { $0.file == file }?.tag
            let seen = commit.seen.map { $0[file] } ?? model.value(of: file, at: commit.base)  // any order: an Optional is mapped
            fault(
                "c\(commit.number) was not to overwrite, and made f\(file) \(words(write)), which was \(words(seen)) in v\(commit.base) and had become \(words(before[file]))"
            )
        }
        guard case .published(_, let conflicts, _) = commit.outcome else { return }
        for file in overwritten where !conflicts.contains(Client.path(file)) {
            fault(
                "c\(commit.number) overwrote f\(file), which had become \(words(before[file])) after v\(commit.base), and did not say so"
            )
        }
        for path in conflicts where !commit.writes.contains(where: { Client.path($0.file) == path }) {
            fault("c\(commit.number) tells of a conflict about \(path.description), which it did not change")
        }
    }

    private mutating func compare(_ version: Version) {
        let files = Set(model.now.keys).union(version.files.keys).sorted()
        for file in files where model.now[file] != version.files[file] {
            let text =
                "v\(version.number) has \(words(version.files[file])) as f\(file), and the commits before it make it \(words(model.now[file]))"
            fault(text, version.files[file] == .max ? .content : .volume)
        }
    }

    private func words(_ value: UInt64?) -> String { WrittenValue.words(value) }

    // MARK: What clients were told

    /// Commits whose end is known, and those that came to none.
    private mutating func settle(_ history: inout VolumeHistory, _ isEnd: Bool) {
        var settled: Set<Int> = []
        for commit in history.commits where isEnd || !commit.isUnderWay {
            switch commit.outcome {
            case .published(let version, _, false):
                guard let found = commit.version else {
                    // Those of versions that are still to come wait.
                    guard isEnd || version <= checked else { continue }
                    fault("commit c\(commit.number) was acknowledged as v\(version) and is lost", .durability)
                    break
                }
                if found != version { fault("commit c\(commit.number) was acknowledged as v\(version) and is v\(found)") }
            case .refused:
                if let found = commit.version { fault("commit c\(commit.number) was refused and is v\(found)") }
            case .published: break
            // It may become a version yet.
            case .unknown: guard commit.version != nil else { continue }
            }
            settled.insert(commit.number)
        }
        history.dropCommits { settled.contains($0.number) }
    }

    private mutating func checkViews(_ history: inout VolumeHistory, _ isEnd: Bool) {
        let last = isEnd ? .max : checked
        for read in history.reads where read.version <= last {
            guard model.has(read.version) else {
                fault("client \(read.client) read v\(read.version), which does not exist")
                continue
            }
            guard read.version >= oldest else {
                unseen += 1
                continue
            }
            let value = model.value(of: read.file, at: read.version)
            if value != read.tag {
                fault("client \(read.client) read \(words(read.tag)) as f\(read.file) of v\(read.version), which has \(words(value))")
            }
        }
        history.reads.removeAll { $0.version <= last }
        for record in history.rollbacks where record.version <= last && rollbacks[record.version] != record.target {
            fault("client \(record.client) was told that v\(record.version) goes back to v\(record.target), and it does not", .durability)
        }
        history.rollbacks.removeAll { $0.version <= last }
        for diff in history.diffs where diff.to <= last && model.has(diff.from) && model.has(diff.to) { check(diff) }
        history.diffs.removeAll { $0.to <= last }
        for list in history.lists where list.version <= last && model.has(list.version) {
            guard list.version >= oldest else {
                unseen += 1
                continue
            }
            var state = model.files(at: list.version)
            for write in list.staged { state[write.file] = write.tag }
            let wanted = state.keys.sorted()
            if wanted != list.files {
                fault("client \(list.client) listed \(list.files) in v\(list.version) with its changes, which has \(wanted)")
            }
        }
        history.lists.removeAll { $0.version <= last }
    }

    /// All that differs is told, and nothing is told to be new or gone that is not.
    private mutating func check(_ diff: DiffRecord) {
        guard diff.from >= oldest else { return unseen += 1 }
        let (before, after) = (model.files(at: diff.from), model.files(at: diff.to))
        func tell(_ file: Int, _ what: String) -> String {
            "client \(diff.client) was told that f\(file) \(what) between v\(diff.from) and v\(diff.to): \(words(before[file])) became \(words(after[file]))"
        }
        let told = diff.added + diff.removed + diff.changed
        for file in Set(before.keys).union(after.keys).sorted() where before[file] != after[file] && !told.contains(file) {
            fault(tell(file, "is the same"))
        }
        for file in diff.added where before[file] != nil || after[file] == nil { fault(tell(file, "is new")) }
        for file in diff.removed where before[file] == nil || after[file] != nil { fault(tell(file, "is gone")) }
    }

    // MARK: Forgetting

    func seen(by commit: CommitRecord) -> [Int: UInt64] {
        var out: [Int: UInt64] = [:]
        for write in commit.writes { out[write.file] = model.value(of: write.file, at: commit.base) }
        return out
    }

    mutating func forget(below version: UInt64) { model.forget(below: version) }
}
