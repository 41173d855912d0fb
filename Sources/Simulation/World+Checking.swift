import Filesystem
import Namespace
import NodeCore
import Primitives
import Replication

// Histories are checked as they grow, and what was checked is dropped, so that a long run holds no more of them than a short
// one: of network file systems up to a moment at which a file was quiet, of locks up to the oldest that is held, of volumes up to
// a version whose commits have all come to an end.
extension World {
    /// Every simulated second.
    mutating func checkHistories() {
        let pending = pendingOperations()
        for key in histories.registerKeys {
            let verdict = histories.advance(register: key, pendingSince: pending.operations[key] ?? now, least: checkBatch.operations)
            judge(verdict, key)
        }
        for key in histories.lockKeys {
            guard let text = histories.advance(lock: key, pendingSince: pending.locks[key] ?? now, least: checkBatch.operations) else {
                continue
            }
            violate(.linearizability, "\(filesystems[key.filesystem].name) lock\(key.file): \(text)")
        }
        checkNames()
        for place in histories.volumeKeys { witnessVersions(place) }
        forgetContents()
    }

    /// All that can be said by now, where a run is stopped: what waited for more of its kind is looked at, too.
    mutating func checkSoFar() {
        checkBatch = CheckBatch(operations: 1, volumeRecords: 1)
        checkHistories()
    }

    /// What the last look left.
    mutating func finishFiles() {
        finishNames()
        for key in histories.registerKeys { judge(histories.finish(register: key), key) }
        for key in histories.lockKeys {
            guard let text = histories.advance(lock: key, pendingSince: .max, least: 0) else { continue }
            violate(.linearizability, "\(filesystems[key.filesystem].name) lock\(key.file): \(text)")
        }
    }

    private mutating func judge(_ verdict: RegisterChecker.Verdict, _ key: Histories.RegisterKey) {
        switch verdict {
        case .linearizable: break
        case .violated(let text): violate(.linearizability, "\(filesystems[key.filesystem].name) f\(key.file): \(text)")
        case .undecided: statistics.checks.countUndecided(.linearizability)
        }
    }

    /// Since when clients have operations under way and locks, by file; what ends later began no earlier.
    private func pendingOperations() -> (operations: [Histories.RegisterKey: Int64], locks: [Histories.RegisterKey: Int64]) {
        var operations: [Histories.RegisterKey: Int64] = [:]  // looked up only
        var locks: [Histories.RegisterKey: Int64] = [:]  // looked up only
        for client in clients {
            guard let job = client.job, filesystems[client.plan.filesystem].kind == .nfs else { continue }
            let key = Histories.RegisterKey(filesystem: client.plan.filesystem, file: job.file)
            if case .lockCycle = job.kind {
                for lock in job.lock?.held ?? [] { locks[key] = min(locks[key] ?? .max, lock.from) }
            } else if job.kind != .names {
                operations[key] = min(operations[key] ?? .max, job.began)
            }
        }
        return (operations, locks)
    }

    // MARK: Volumes

    /// What replicas have made of commits is told to the checker before they drop it for its age, and where much waits for it.
    private mutating func witnessVersions(_ place: Int) {
        guard let (told, growth) = histories.volumes[place].map({ ($0.checker.told, $0.held - $0.heldAtCheck) }),
            let files = newestReplica(of: place)
        else { return }
        let isMuch = files.namespace.version.rawValue >= told + UInt64(Self.versionsKept / 2)
        guard isMuch || growth >= checkBatch.volumeRecords else { return }
        let fresh = files.namespace.history.versions.filter { $0.id.rawValue > told }
        if let first = fresh.first, first.id.rawValue != told + 1 {
            violate(.volume, "\(filesystems[place].name): versions before \(first.id) were dropped before they were seen")
        }
        let versions = fresh.map(version)
        histories.volumes[place]?.witness(versions)
        histories.volumes[place]?.advance()
        forgetVersions(place)
        for (kind, text) in histories.volumes[place]?.checker.takeFaults() ?? [] { violate(kind, text) }
    }

    mutating func finishVolume(_ place: Int, _ files: FilesMachine) {
        let kept = files.namespace.history.versions.filter { $0.id.rawValue > 0 }.map(version)
        var history = histories.volumes[place] ?? VolumeHistory(name: filesystems[place].name)
        for (kind, text) in history.finish(kept: kept) { violate(kind, text) }
        statistics.checks.countUndecided(.volume, history.checker.unseen)
        histories.volumes[place] = history
    }

    /// Nobody asks for what lies before the oldest version of a session and of a replica, but for a replica that starts
    /// again: it begins where its disk has it, which is less far back than two snapshots.
    private mutating func forgetVersions(_ place: Int) {
        guard let id = filesystems[place].id,
            let (checked, known) = histories.volumes[place].map({ ($0.checker.checked, $0.checker.oldest) })
        else { return }
        var oldest = checked
        for host in hosts {
            if let version = host.state.machine(of: id)?.files?.namespace.version.rawValue { oldest = min(oldest, version) }
        }
        for client in clients where client.plan.filesystem == place && !client.isDone {
            if let version = client.volume.version { oldest = min(oldest, version) }
        }
        let margin = 2 * options.snapshotEntries
        guard oldest > margin, oldest - margin >= known + UInt64(Self.versionsKept / 2) else { return }
        histories.volumes[place]?.forget(below: oldest - margin)
    }

    private func version(_ record: VersionRecord) -> VolumeChecker.Version {
        let commit = record.info.message.hasPrefix("c") ? Int(record.info.message.dropFirst()) : nil
        let back = record.info.message.split(separator: "rollback to v").last.flatMap { UInt64($0) }
        return VolumeChecker.Version(
            number: record.id.rawValue, commit: commit, files: values(in: record.tree),
            rollback: record.info.message.hasPrefix("rollback") ? back : nil)
    }

    /// Of the machines that are up, what the one has that has applied most.
    func newestReplica(of place: Int) -> FilesMachine? {
        guard let id = filesystems[place].id else { return nil }
        return hosts.filter(\.isUp).compactMap { $0.state.machine(of: id)?.files }.max { $0.namespace.version < $1.namespace.version }
    }

    /// The files of `d` in a tree and what they hold, put together from the model's own contents.
    private func values(in tree: NamespaceTree) -> [Int: UInt64] {
        var out: [Int: UInt64] = [:]
        guard let directory = try? tree.walk(Client.directory, followLast: true),
            let page = try? tree.list(directory.inode, after: 0, limit: 10_000)
        else { return out }
        for entry in page.entries {
            guard let file = Int(String(decoding: entry.name.dropFirst(), as: UTF8.self)) else { continue }
            out[file] = content(of: entry.attributes, in: tree).flatMap { histories.value(of: $0) } ?? .max
        }
        return out
    }

    func content(of file: FileAttributes, in tree: NamespaceTree) -> Content? {
        switch try? tree.content(of: file.inode, offset: 0, length: UInt32(clamping: file.size)) {
        case .inline(let bytes, _)?: return Content(bytes)
        case .extents(let extents, let under, let length, _)?:
            var whole = Content(tag: Content.zeroTag, length: UInt64(length)).overlaid(Content(under), at: 0)
            for extent in extents {
                guard let piece = contents[extent.chunk.id] else { return nil }
                whole = whole.overlaid(piece.slice(UInt64(extent.chunkOffset), extent.length), at: extent.offset)
            }
            return whole
        default: return nil
        }
    }

    // MARK: Content

    /// What is in chunks that no disk has had for a while is forgotten: nothing that was on its way then is so still.
    private mutating func forgetContents() {
        guard now >= contentLook.next else { return }
        contentLook.next = now + max(options.garbageGrace.inNanoseconds, 1_800_000_000_000)
        var gone: Set<ChunkID> = []  // looked up only
        var known: [ChunkID] = []
        for id in contentLook.order {
            if hosts.contains(where: { $0.disk.stored(id) }) {
                known.append(id)
            } else if contentLook.gone.contains(id) {
                contents[id] = nil
                takenCopies[id] = nil
            } else {
                known.append(id)
                gone.insert(id)
            }
        }
        contentLook.order = known
        contentLook.gone = gone
    }
}

/// Which chunks' contents are remembered, in the order in which they came, and which of them no disk had at the last look.
struct ContentLook {
    var order: [ChunkID] = []
    var gone: Set<ChunkID> = []  // looked up only
    var next: Int64 = 0
}

/// How much is gathered before it is checked.
struct CheckBatch {
    var operations = 64
    var volumeRecords = 4_096
}
