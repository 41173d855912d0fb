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
/// - `reload latest` sees all that was acknowledged before it began
struct VolumeChecker {
    struct Version {
        let number: UInt64
        /// Of the commit; nil where it is none of the clients'.
        let commit: Int?
        /// Files of `d` with their values; `.max` for what nobody wrote.
        let files: [Int: UInt64]  // looked up only
    }

    /// What a replica has dropped for its age stands before what it keeps. What was seen and is above all that it keeps is
    /// missing there: a replica that fell back does not pass for one that dropped what is old.
    static func joined(seen: [Version], kept: [Version]) -> [Version] {
        let first = kept.first?.number ?? 0
        return seen.filter { $0.number < first } + kept
    }

    let history: VolumeHistory
    let versions: [Version]
    let name: String
    private(set) var faults: [(Violation.Kind, String)] = []
    /// The model's state of each version, by position in `states`.
    private var states: [UInt64: [Int: UInt64]] = [:]  // looked up only
    private var versionOf: [Int: UInt64] = [:]  // looked up only

    init(history: VolumeHistory, versions: [Version], name: String) {
        self.history = history
        self.versions = versions
        self.name = name
    }

    static func check(_ history: VolumeHistory, _ versions: [Version], _ name: String) -> [(Violation.Kind, String)] {
        var checker = VolumeChecker(history: history, versions: versions, name: name)
        checker.run()
        return checker.faults
    }

    private mutating func fault(_ text: String, _ kind: Violation.Kind = .volume) {
        if faults.count < 20 { faults.append((kind, "\(name): \(text)")) }
    }

    private mutating func run() {
        matchCommits()
        checkOrder()
        replay()
        checkViews()
    }

    private mutating func matchCommits() {
        for version in versions {
            guard let commit = version.commit else { continue }
            guard history.commits.indices.contains(commit) else {
                fault("v\(version.number) names commit c\(commit), which nobody began")
                continue
            }
            if let other = versionOf.updateValue(version.number, forKey: commit) {
                fault("commit c\(commit) became v\(other) and v\(version.number)")
            }
        }
        for (number, commit) in history.commits.enumerated() {
            switch commit.outcome {
            case .published(let version, _, false):
                guard let found = versionOf[number] else {
                    fault("commit c\(number) was acknowledged as v\(version) and is lost", .durability)
                    continue
                }
                if found != version { fault("commit c\(number) was acknowledged as v\(version) and is v\(found)") }
            case .refused:
                if let found = versionOf[number] { fault("commit c\(number) was refused and is v\(found)") }
            case .published, .unknown: break
            }
        }
    }

    private mutating func checkOrder() {
        // Of those with a version: the latest beginning seen from the end must not be after an earlier version's end.
        let ordered = versions.compactMap { version in version.commit.map { (version.number, $0) } }
            .filter { history.commits.indices.contains($0.1) }
        var earliestEnd: (at: Int64, commit: Int) = (.max, 0)
        for (number, commit) in ordered.reversed() {
            if history.commits[commit].began > earliestEnd.at {
                fault("c\(commit) began after c\(earliestEnd.commit) had ended, and comes before it, as v\(number)")
            }
            if let ended = history.commits[commit].ended, ended < earliestEnd.at { earliestEnd = (ended, commit) }
        }
    }

    // MARK: The model

    private mutating func replay() {
        var state: [Int: UInt64] = [:]
        var previous: UInt64 = 0
        states[0] = [:]
        for version in versions {
            if version.number > previous + 1, version.number > 1 {
                // Versions before the first that is kept: the model begins there.
                if previous == 0 { state = version.files } else { fault("v\(previous) is followed by v\(version.number)") }
            }
            previous = version.number
            guard let number = version.commit, history.commits.indices.contains(number) else {
                states[version.number] = version.files
                state = version.files
                continue
            }
            let commit = history.commits[number]
            let before = state
            var overwritten: [Int] = []
            for write in commit.writes {
                let seen = states[commit.base]?[write.file]
                // A file made and removed again in one session is no change.
                if write.tag == nil, seen == nil { continue }
                // Where both removed it, or nobody had one, they agree.
                if state[write.file] != seen, write.tag != nil || state[write.file] != nil { overwritten.append(write.file) }
                state[write.file] = write.tag
            }
            checkConflicts(number, commit, overwritten, before)
            compare(version, state)
            states[version.number] = state
        }
    }

    /// `overwritten`: files of the commit that others had changed after its base, as `before` has them.
    private mutating func checkConflicts(_ number: Int, _ commit: CommitRecord, _ overwritten: [Int], _ before: [Int: UInt64]) {
        if commit.ifUnchanged, let file = overwritten.first {
            let write = commit.writes.first { $0.file == file }?.tag
            let seen = states[commit.base]?[file]
            fault(
                "c\(number) was not to overwrite, and made f\(file) \(words(write)), which was \(words(seen)) in v\(commit.base) and had become \(words(before[file]))"
            )
        }
        guard case .published(_, let conflicts, _) = commit.outcome else { return }
        for file in overwritten where !conflicts.contains(Client.path(file)) {
            fault("c\(number) overwrote f\(file), which had become \(words(before[file])) after v\(commit.base), and did not say so")
        }
        for path in conflicts where !commit.writes.contains(where: { Client.path($0.file) == path }) {
            fault("c\(number) tells of a conflict about \(path.description), which it did not change")
        }
    }

    private mutating func compare(_ version: Version, _ state: [Int: UInt64]) {
        let files = Set(state.keys).union(version.files.keys).sorted()
        for file in files where state[file] != version.files[file] {
            let text =
                "v\(version.number) has \(words(version.files[file])) as f\(file), and the commits before it make it \(words(state[file]))"
            fault(text, version.files[file] == .max ? .content : .volume)
        }
    }

    private func words(_ tag: UInt64?) -> String { tag.map { $0 == .max ? "what nobody wrote" : "value \($0)" } ?? "nothing" }

    // MARK: What sessions saw

    private mutating func checkViews() {
        for read in history.reads {
            guard let state = states[read.version] else {
                fault("client \(read.client) read v\(read.version), which does not exist")
                continue
            }
            if state[read.file] != read.tag {
                fault(
                    "client \(read.client) read \(words(read.tag)) as f\(read.file) of v\(read.version), which has \(words(state[read.file]))"
                )
            }
        }
        for list in history.lists {
            guard var state = states[list.version] else { continue }
            for write in list.staged { state[write.file] = write.tag }
            let wanted = state.keys.sorted()
            if wanted != list.files {
                fault("client \(list.client) listed \(list.files) in v\(list.version) with its changes, which has \(wanted)")
            }
        }
        for reload in history.reloads {
            for (number, commit) in history.commits.enumerated() {
                guard let ended = commit.ended, ended < reload.began, case .published(let version, _, false) = commit.outcome,
                    version > reload.version
                else { continue }
                fault(
                    "client \(reload.client) reloaded at \(reload.began / 1_000_000) ms to v\(reload.version), though c\(number) was v\(version) by then"
                )
                break
            }
        }
    }
}
