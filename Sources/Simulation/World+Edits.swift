import Filesystem
import NodeCore
import Primitives

/// Contents that clients have made by writing a part of a file, named by their bytes. So many of the last are known.
struct EditedValues {
    private var known: Set<UInt64> = []  // looked up only
    private var order: ArraySlice<UInt64> = []
    private static let knownMax = 65_536

    /// Not 0, and with a first bit that no value has that was written whole.
    private static func name(_ content: Content) -> UInt64 {
        var hash = content.length
        for byte in content.bytes { hash = (hash ^ UInt64(byte)) &* 1_099_511_628_211 }
        return SeededGenerator.mix(hash) >> 2 | 1 << 63
    }

    mutating func add(_ content: Content) -> UInt64 {
        let name = Self.name(content)
        guard known.insert(name).inserted else { return name }
        order.append(name)
        if order.count > Self.knownMax, let oldest = order.popFirst() { known.remove(oldest) }
        return name
    }

    func value(of content: Content) -> UInt64? {
        guard !known.isEmpty, content.length <= 4 * Job.editMax else { return nil }
        let name = Self.name(content)
        return known.contains(name) ? name : nil
    }
}

extension Job {
    /// It reads a volume's file first, and keeps its identity.
    var keepsFile: Bool {
        switch kind {
        case .edit, .move: true
        default: false
        }
    }

    var asksForVersion: Bool {
        switch kind {
        case .rollback, .diff: true
        default: false
        }
    }
}

// Jobs of volumes that change files in place, rename them, and go back.
extension World {
    mutating func makeEdit(_ file: Int, _ index: Int) -> Job? {
        let plan = clients[index].plan
        guard clients[index].chance.below(100) < plan.editPercent else { return nil }
        let volume = clients[index].volume
        guard volume.staged.count < volume.goal, let version = volume.version else { return nil }
        let draw = clients[index].chance.below(10)
        if draw == 0, volume.staged.isEmpty, version > 1 {
            return Job(.rollback(to: version - 1 - UInt64(clients[index].chance.below(Int(min(version - 1, 3))))))
        }
        if draw == 1, version > 1 {
            return Job(.diff(from: version - 1 - UInt64(clients[index].chance.below(Int(min(version - 1, 4)))), to: version))
        }
        if draw < 5, plan.files > 1 {
            var job = Job(.move(to: (file + 1 + clients[index].chance.below(plan.files - 1)) % plan.files))
            job.file = file
            return job
        }
        var job = Job(.edit(appends: draw < 8))
        job.file = file
        job.length = UInt64(8 + clients[index].chance.below(400))
        job.tag = histories.newValue(length: job.length)
        job.offset = UInt64(clients[index].chance.below(100))
        return job
    }

    /// The file was read: now it is known where the edit goes. What is too long is read only.
    mutating func beginEdit(_ job: inout Job, _ index: Int) {
        guard job.keepsFile, job.step == 3, let content = job.read else { return }
        guard content.length <= Job.editMax else {
            let read = job
            job = Job(.read)
            (job.file, job.began, job.step, job.read) = (read.file, read.began, read.step, read.read)
            return
        }
        guard case .edit(let appends) = job.kind else { return }
        job.offset = appends ? content.length : content.length * job.offset / 100
    }

    mutating func recordEdit(_ index: Int, _ job: Job, _ end: JobEnd) {
        let place = clients[index].plan.filesystem
        statistics.checks.count(.volume)
        guard end == .success else { return sawFile(index, job.file, nil, place) }
        guard let content = job.read, let tag = histories.value(of: content) else {
            return violate(.content, "a read of \(job.path) gave what nobody wrote: \(job.read?.description ?? "nothing")")
        }
        sawFile(index, job.file, tag, place)
        clients[index].volume.hasEdits = true
        switch job.kind {
        case .move(let other):
            clients[index].volume.stage(job.file, nil)
            clients[index].volume.stage(other, tag)
        default:
            let written = content.overlaid(histories.content(job.tag), at: job.offset)
            clients[index].volume.stage(job.file, histories.newEdit(written))
        }
    }

    // MARK: Versions

    mutating func rolledBack(_ index: Int, _ receipt: CommitReceipt, to target: UInt64) {
        // It reads what is the newest by now.
        clients[index].volume = VolumeView()
        drawGoal(index)
        statistics.checks.count(.volume)
        guard receipt.changes > 0 else { return }
        histories.volumes[clients[index].plan.filesystem]?.rollbacks.append(
            RollbackRecord(client: index, version: receipt.version.rawValue, target: target))
    }

    mutating func told(_ changes: [PathChange], _ from: UInt64, _ to: UInt64, _ index: Int) {
        statistics.checks.count(.volume)
        var (added, removed, changed): ([Int], [Int], [Int]) = ([], [], [])
        func file(_ path: FilePath?) -> Int? {
            guard let path, path.components.count == 2, let name = path.name else { return nil }
            return Int(String(decoding: name.dropFirst(), as: UTF8.self))
        }
        for change in changes {
            if let old = file(change.from) { changed.append(old) }
            guard let file = file(change.path) else { continue }
            switch change.kind {
            case .added: added.append(file)
            case .removed: removed.append(file)
            case .modified, .renamed: changed.append(file)
            }
        }
        histories.volumes[clients[index].plan.filesystem]?.diffs.append(
            DiffRecord(client: index, from: from, to: to, added: added, removed: removed, changed: changed))
    }
}
