/// What a volume's files hold by the commits that were made, now and at earlier versions: of each file its
/// changes, as far back as anybody may ask.
struct VolumeModel {
    private struct Change {
        let version: UInt64
        let value: UInt64?
    }

    private(set) var now: [Int: UInt64] = [:]  // looked up only
    private var changes: [Int: [Change]] = [:]  // looked up only
    private var files: [Int] = []
    /// The last version that changed a file and kept its identity, or gave it an old one again.
    private var kept: [Int: UInt64] = [:]  // looked up only
    /// The first version of all, the last one, and the first of which is known what it held.
    private var first: UInt64 = 1
    private(set) var last: UInt64 = 0
    private(set) var oldest: UInt64 = 0

    func has(_ version: UInt64) -> Bool { version == 0 || (first...max(first, last)).contains(version) && version <= last }

    /// The log begins here; what was before is not known.
    mutating func begin(with version: VolumeChecker.Version) {
        first = version.number
        set(version)
    }

    /// A version that nobody's commit made.
    mutating func take(_ version: VolumeChecker.Version) { set(version) }

    private mutating func set(_ version: VolumeChecker.Version) {
        for file in Set(now.keys).union(version.files.keys).sorted() where now[file] != version.files[file] {
            set(file, version.files[file], version.number)
        }
        last = version.number
    }

    private mutating func set(_ file: Int, _ value: UInt64?, _ version: UInt64) {
        now[file] = value
        if changes[file] == nil { files.append(file) }
        changes[file, default: []].append(Change(version: version, value: value))
    }

    /// Whether a commit meets others whose files kept their identity, or does so itself: a file that one renames and the other
    /// writes is both, and the model, which knows names alone, can not tell where.
    func isEntangled(_ commit: CommitRecord) -> Bool {
        commit.writes.contains { write in
            if kept[write.file] ?? 0 > commit.base { return true }
            let seen = commit.seen.map { $0[write.file] } ?? value(of: write.file, at: commit.base)  // any order: an Optional is mapped
            return commit.hasEdits && now[write.file] != seen
        }
    }

    mutating func keepsIdentity(_ file: Int, at version: UInt64) { kept[file] = version }

    /// Which of its files had become something else since its base.
    mutating func take(_ commit: CommitRecord, as version: UInt64) -> [Int] {
        var overwritten: [Int] = []
        for write in commit.writes {
            let seen = commit.seen.map { $0[write.file] } ?? value(of: write.file, at: commit.base)  // any order: an Optional is mapped
            // A file made and removed again in one session is no change.
            if write.tag == nil, seen == nil { continue }
            // Where both removed it, or nobody had one, they agree.
            if now[write.file] != seen, write.tag != nil || now[write.file] != nil { overwritten.append(write.file) }
            set(write.file, write.tag, version)
        }
        last = version
        return overwritten
    }

    func value(of file: Int, at version: UInt64) -> UInt64? {
        guard version <= last, let list = changes[file] else { return nil }
        var (low, high) = (0, list.count)
        while low < high {
            let middle = (low + high) / 2
            if list[middle].version <= version { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? nil : list[low - 1].value
    }

    func files(at version: UInt64) -> [Int: UInt64] {
        var out: [Int: UInt64] = [:]
        // any order: the array, not the function of this name
        for file in files { out[file] = value(of: file, at: version) }
        return out
    }

    mutating func forget(below version: UInt64) {
        guard version > oldest, version <= last else { return }
        oldest = version
        // any order: the array, not the function of this name
        for file in files {
            guard let next = changes[file]?.firstIndex(where: { $0.version > version }) ?? changes[file]?.count, next > 1 else { continue }
            changes[file]?.removeFirst(next - 1)
        }
    }
}
