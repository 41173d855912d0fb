import Filesystem

struct CommitRecord {
    struct Write: Hashable {
        let file: Int
        let tag: UInt64?
    }
    enum Outcome {
        /// No answer, or one that does not say.
        case unknown
        case published(version: UInt64, conflicts: [FilePath], isEmpty: Bool)
        /// Surely not.
        case refused
    }
    /// Its message is `c` and this.
    fileprivate(set) var number = 0
    let client: Int
    let base: UInt64
    let writes: [Write]
    let ifUnchanged: Bool
    let began: Int64
    /// Files were written in place or renamed: what others did to those meanwhile may stay beside it.
    var hasEdits = false
    var ended: Int64?
    var outcome = Outcome.unknown
    /// Its client waits for the answer.
    var isUnderWay = true
    /// What it became, as the witness has it.
    var version: UInt64?
    /// What its base had as the files that it writes; kept where the base itself is no longer known.
    var seen: [Int: UInt64]?  // looked up only

    init(client: Int, base: UInt64, writes: [Write], ifUnchanged: Bool, began: Int64, hasEdits: Bool = false) {
        self.hasEdits = hasEdits
        self.client = client
        self.base = base
        self.writes = writes
        self.ifUnchanged = ifUnchanged
        self.began = began
    }
}

struct ReadRecord {
    let client: Int
    let version: UInt64
    let file: Int
    let tag: UInt64?
}

struct RollbackRecord {
    let client: Int
    let version: UInt64
    let target: UInt64
}

struct DiffRecord {
    let client: Int
    let from: UInt64
    let to: UInt64
    /// Files that are told to be new, gone, or changed in any way.
    let added: [Int]
    let removed: [Int]
    let changed: [Int]
}

struct ListRecord {
    let client: Int
    let version: UInt64
    let staged: [CommitRecord.Write]
    let files: [Int]
}

/// What the clients of one volume did and saw and what has not been checked yet, with the checker of what has.
struct VolumeHistory {
    private(set) var commits: [CommitRecord] = []
    private(set) var begun = 0
    var reads: [ReadRecord] = []
    var lists: [ListRecord] = []
    var rollbacks: [RollbackRecord] = []
    var diffs: [DiffRecord] = []
    var checker: VolumeChecker
    /// The highest version that was acknowledged, and by which commit; of those that ended at the moment of the last one apart.
    private var newest: (version: UInt64, commit: Int)?
    private var newestNow: (at: Int64, version: UInt64, commit: Int)?

    init(name: String) { checker = VolumeChecker(name: name) }

    /// What was left when it was checked last.
    private(set) var heldAtCheck = 0
    var held: Int { commits.count + reads.count + lists.count + rollbacks.count + diffs.count }

    mutating func begin(_ commit: CommitRecord) -> Int {
        var commit = commit
        commit.number = begun
        begun += 1
        commits.append(commit)
        return commit.number
    }

    /// Where a commit's record is: they are in the order of their numbers.
    func place(of number: Int) -> Int? {
        var (low, high) = (0, commits.count)
        while low < high {
            let middle = (low + high) / 2
            if commits[middle].number < number { low = middle + 1 } else { high = middle }
        }
        return low < commits.count && commits[low].number == number ? low : nil
    }

    mutating func update(commit number: Int, _ body: (inout CommitRecord) -> Void) {
        if let place = place(of: number) { body(&commits[place]) }
    }

    mutating func dropCommits(_ isDone: (CommitRecord) -> Bool) { commits.removeAll(where: isDone) }

    mutating func ended(_ number: Int, at now: Int64, version: UInt64, conflicts: [FilePath], isEmpty: Bool) {
        update(commit: number) {
            $0.outcome = .published(version: version, conflicts: conflicts, isEmpty: isEmpty)
            $0.ended = now
            $0.isUnderWay = false
        }
        guard !isEmpty else { return }
        settleNewest(before: now)
        if version > newestNow?.version ?? 0 { newestNow = (now, version, number) }
    }

    private mutating func settleNewest(before now: Int64) {
        guard let last = newestNow, last.at < now else { return }
        if last.version > newest?.version ?? 0 { newest = (last.version, last.commit) }
        newestNow = nil
    }

    /// The highest version that was acknowledged before this moment, and the commit that made it.
    mutating func newestAcknowledged(before now: Int64) -> (version: UInt64, commit: Int)? {
        settleNewest(before: now)
        return newest
    }

    // MARK: Checking

    /// Versions that replicas have, in order and behind those that were told before.
    mutating func witness(_ versions: [VolumeChecker.Version]) { checker.witness(versions) }

    /// Checks all that the versions told so far can settle, and drops it.
    mutating func advance(isEnd: Bool = false) {
        // Taken out meanwhile, so that nothing of it is copied.
        var checker = VolumeChecker(name: checker.name)
        swap(&checker, &self.checker)
        checker.advance(&self, isEnd: isEnd)
        swap(&checker, &self.checker)
        heldAtCheck = held
    }

    /// Nothing older than this version is asked for any more.
    mutating func forget(below version: UInt64) {
        for place in commits.indices where commits[place].seen == nil && commits[place].base < version {
            commits[place].seen = checker.seen(by: commits[place])
        }
        checker.forget(below: version)
    }

    /// `kept`: what the replicas have in the end; they agree.
    mutating func finish(kept: [VolumeChecker.Version]) -> [(Violation.Kind, String)] {
        checker.compareEnd(kept)
        advance(isEnd: true)
        return checker.takeFaults()
    }
}
