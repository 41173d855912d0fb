import Filesystem
import NodeCore
import Primitives
import Replication

// What nodes answered their clients, and what that says for the histories.
extension World {
    mutating func replied(_ request: RequestID, _ reply: Reply, _ node: Int) {
        trace.fold(reply.code ^ request.rawValue << 8)
        trace.line(now, "n\(node + 1) answers \(request): \(reply)".shortened)
        if let change = catalogRequests[CatalogRequest(node: node, request: request)] {
            return catalogReplied(change, reply, node, request)
        }
        statistics.checks.count(.answers)
        guard let index = hosts[node].requests.removeValue(forKey: request) else {
            return violate(.answers, "n\(node + 1) answers \(request) again, or what nobody asked: \(reply)".shortened)
        }
        let buffer: BufferID? = if case .outcome(_, let data) = reply { data } else { nil }
        let data = buffer.flatMap { hosts[node].buffers.removeValue(forKey: $0) }
        if index == Self.singleCall { return lastAnswer = (reply, data ?? Content()) }
        if index < 0 { return cellAnswered(-1 - index, reply, data, request, node) }
        guard clients[index].request == request, clients[index].node == node else { return }
        clients[index].request = nil
        switch reply {
        case .session(let id):
            clients[index].session = id
            clients[index].volume = VolumeView()
            drawGoal(index)
            schedule(index, after: 1_000)
        case .outcome(let outcome, _): succeeded(index, outcome.value, data)
        case .failed(let failure): failed(index, failure)
        case .catalog: violate(.answers, "an operation was answered with a change of the catalog")
        }
    }

    private mutating func succeeded(_ index: Int, _ value: FileValue, _ data: Content?) {
        guard var job = clients[index].job else { return schedule(index, after: 1_000) }
        if job.kind == .names { return namesAnswered(index, value, data) }
        switch value {
        case .opened(let handle, let attributes):
            job.handle = handle
            job.size = attributes.size
        case .data: job.read = data ?? Content()
        case .receipt(let receipt):
            if case .rollback(let target) = job.kind { rolledBack(index, receipt, to: target) } else { committed(index, job, receipt) }
        case .changes(let changes, truncated: false): if case .diff(let from, let to) = job.kind { told(changes, from, to, index) }
        case .session(let status): sessionMoved(index, job, status)
        case .entries(let entries, _): listed(index, entries)
        default: break
        }
        var pause: Int64 = 1_000
        if case .lockCycle = job.kind, job.step == 1 || job.step == 2 {
            lockGranted(index, &job)
            pause = job.hold
        }
        job.step += 1
        if case .lockCycle = job.kind, job.step == 2, job.lock?.change == nil { job.step = 3 }
        beginEdit(&job, index)
        // An empty file has nothing to be read.
        if job.kind == .read, job.step == 1, job.size == 0 { job.read = Content() }
        clients[index].job = job
        guard job.next == nil else { return schedule(index, after: pause) }
        ended(index, job, .success)
    }

    private mutating func failed(_ index: Int, _ failure: FileFailure) {
        clients[index].lastFailure = failure.description
        guard let job = clients[index].job else {
            // A session could not be opened.
            statistics.failedOperations += 1
            return schedule(index, after: 500_000_000)
        }
        if job.kind == .names { return namesFailed(index, failure) }
        switch failure.code {
        case .notFound where job.kind == .read && job.step == 0: return ended(index, job, .absent)
        case .notFound where job.step == 0 && job.keepsFile: return ended(index, job, .absent)
        // The version is no longer kept, or not known here yet.
        case .notFound where job.asksForVersion: return ended(index, job, .refused)
        case .notFound where job.kind == .remove || job.kind == .list: return ended(index, job, .absent)
        case .exists where job.kind == .createNew: return ended(index, job, .exists)
        case .conflict where job.kind == .commit(ifUnchanged: true): return ended(index, job, .refused)
        case .wouldBlock where job.kind == .lockCycle(wait: false) && job.step == 1:
            clients[index].job?.step = 4
            return schedule(index, after: 1_000)
        case .wouldBlock where job.lock != nil && job.step == 2:
            // What it had it has still.
            clients[index].job?.step = 3
            return schedule(index, after: job.hold)
        default: break
        }
        statistics.failedOperations += 1
        abandon(job, index, isUnknown: job.isPublishing && !failure.saysNothingHappened)
        clients[index].job = nil
        // Whatever the session has staged by now is not known for sure: a new one begins.
        leaveSession(index)
        schedule(index, after: Int64(50 + clients[index].chance.below(450)) * 1_000_000)
    }

    enum JobEnd { case success, absent, exists, refused }

    private mutating func ended(_ index: Int, _ job: Job, _ end: JobEnd) {
        clients[index].job = nil
        if end == .success, job.isChange { wasServed(clients[index].plan.filesystem) }
        noteJob(index, job, isDone: true)
        switch filesystems[clients[index].plan.filesystem].kind {
        case .nfs: recordRegister(index, job, end)
        case .volume: recordVolume(index, job, end)
        }
        // A status that only begins a session is no part of a script.
        if job.kind != .status || filesystems[clients[index].plan.filesystem].kind == .nfs, clients[index].script != nil {
            clients[index].script?.removeFirst()
            if clients[index].script?.isEmpty == true { clients[index].isDone = true }
        }
        let think = clients[index].plan.thinkMilliseconds
        let pause =
            clients[index].script == nil ? Int64(think.lowerBound + clients[index].chance.below(think.count)) * 1_000_000 : 1_000_000
        schedule(index, after: pause)
    }

    /// A job that came to no end: it may have happened, or happen later.
    mutating func abandon(_ job: Job, _ index: Int, isUnknown: Bool) {
        lockEnds(index)
        noteJob(index, job, isDone: false)
        if let task = job.names { return abandonNames(index, task, isUnknown: isUnknown) }
        let place = clients[index].plan.filesystem
        switch filesystems[place].kind {
        case .nfs:
            guard isUnknown, job.isPublishing else { return }
            histories.register(place, job.file, RegisterOperation(job, ended: nil, .success))
        case .volume:
            guard case .commit = job.kind else { return }
            histories.volumes[place]?.update(commit: job.commit) {
                $0.isUnderWay = false
                if !isUnknown { $0.outcome = .refused }
            }
        }
    }

    // MARK: Network file systems

    private mutating func recordRegister(_ index: Int, _ job: Job, _ end: JobEnd) {
        if case .lockCycle = job.kind { return }
        let place = clients[index].plan.filesystem
        var operation = RegisterOperation(job, ended: now, end)
        statistics.checks.count(.linearizability)
        if job.kind == .read, end == .success {
            statistics.checks.count(.content)
            guard let content = job.read, let tag = histories.value(of: content) else {
                return violate(.content, "a read of \(job.path) gave what nobody wrote: \(job.read?.description ?? "nothing")")
            }
            operation.value = tag
        }
        if job.kind == .write || job.kind == .createNew, end == .success { checkDurable([job.tag], place, "a write of \(job.path)") }
        histories.register(place, job.file, operation)
    }

    // MARK: Volumes

    mutating func beginCommit(_ index: Int, ifUnchanged: Bool) {
        let volume = clients[index].volume
        let record = CommitRecord(
            client: index, base: volume.version ?? 0, writes: volume.staged.map { CommitRecord.Write(file: $0.file, tag: $0.tag) },
            ifUnchanged: ifUnchanged, began: now, hasEdits: volume.hasEdits)
        let place = clients[index].plan.filesystem
        let number = histories.begin(record, place, name: filesystems[place].name)
        clients[index].job?.commit = number
    }

    private mutating func committed(_ index: Int, _ job: Job, _ receipt: CommitReceipt) {
        let place = clients[index].plan.filesystem
        statistics.commits += 1
        statistics.checks.count(.volume)
        let region = hosts[clients[index].node].region
        if leaderRegion(of: place) == region { statistics.commitsAtLeader += 1 }
        if plan(of: place)?.voterRegions.contains(region) == true { statistics.commitsAmongVoters += 1 }
        let conflicts = mutant == .conflictsForgotten ? [] : receipt.conflicts.map(\.path)
        histories.volumes[place]?.ended(
            job.commit, at: now, version: receipt.version.rawValue, conflicts: conflicts, isEmpty: receipt.changes == 0)
        checkDurable(clients[index].volume.staged.compactMap(\.tag).filter { !WrittenValue.isEdit($0) }, place, "commit c\(job.commit)")
        if receipt.changes > 0 {
            if let before = clients[index].volume.version, receipt.version.rawValue <= before {
                violate(.volume, "client \(index) was at v\(before), and its commit c\(job.commit) became \(receipt.version)")
            }
            clients[index].volume.version = receipt.version.rawValue
        }
        clients[index].volume.staged = []
        clients[index].volume.hasEdits = false
        drawGoal(index)
    }

    mutating func drawGoal(_ index: Int) {
        let most = max(1, clients[index].plan.stagedMax)
        let goal = 1 + clients[index].chance.below(most)
        clients[index].volume.goal = goal
    }

    private mutating func sessionMoved(_ index: Int, _ job: Job, _ status: SessionStatus) {
        let place = clients[index].plan.filesystem
        if let before = clients[index].volume.version, status.version.rawValue < before {
            violate(.volume, "client \(index) went back from v\(before) to \(status.version)")
        }
        if let before = clients[index].volume.version, case .status = job.kind, status.version.rawValue != before {
            violate(.volume, "the session of client \(index) moved from v\(before) to \(status.version) by itself")
        }
        clients[index].volume.version = status.version.rawValue
        guard case .reload(true) = job.kind, let newest = job.newest, newest.version > status.version.rawValue else { return }
        violate(
            .volume,
            "\(filesystems[place].name): client \(index) reloaded at \(job.began / 1_000_000) ms to \(status.version), though c\(newest.commit) was v\(newest.version) by then"
        )
    }

    private mutating func listed(_ index: Int, _ entries: [FileEntry]) {
        let names = entries.compactMap { Int(String(decoding: $0.name.dropFirst(), as: UTF8.self)) }.sorted()
        noteList(index, names)
    }

    private mutating func noteList(_ index: Int, _ names: [Int]) {
        let volume = clients[index].volume
        guard let version = volume.version else { return }
        statistics.checks.count(.volume)
        histories.volumes[clients[index].plan.filesystem]?.lists.append(
            ListRecord(
                client: index, version: version, staged: volume.staged.map { CommitRecord.Write(file: $0.file, tag: $0.tag) }, files: names)
        )
    }

    private mutating func recordVolume(_ index: Int, _ job: Job, _ end: JobEnd) {
        let place = clients[index].plan.filesystem
        switch job.kind {
        case .write: clients[index].volume.stage(job.file, job.tag)
        case .remove: if end == .success { clients[index].volume.stage(job.file, nil) } else { sawFile(index, job.file, nil, place) }
        case .read:
            guard end == .success else { return sawFile(index, job.file, nil, place) }
            statistics.checks.count(.content)
            guard let content = job.read, let tag = histories.value(of: content) else {
                return violate(.content, "a read of \(job.path) gave what nobody wrote: \(job.read?.description ?? "nothing")")
            }
            sawFile(index, job.file, tag, place)
        case .commit:
            guard end == .refused else { return }
            histories.volumes[place]?.update(commit: job.commit) {
                ($0.outcome, $0.ended, $0.isUnderWay) = (.refused, now, false)
            }
            leaveSession(index)
        case .list: if end == .absent { noteList(index, []) }
        case .edit, .move: recordEdit(index, job, end)
        case .reload, .status, .createNew, .lockCycle, .names, .rollback, .diff: break
        }
    }

    mutating func sawFile(_ index: Int, _ file: Int, _ tag: UInt64?, _ place: Int) {
        let volume = clients[index].volume
        if let staged = volume.staged(file) {
            guard staged == tag else {
                return violate(.volume, "client \(index) staged \(words(staged)) as f\(file) and reads \(words(tag))")
            }
            return
        }
        guard let version = volume.version else { return }
        statistics.checks.count(.volume)
        histories.volumes[place]?.reads.append(ReadRecord(client: index, version: version, file: file, tag: tag))
    }

    func words(_ tag: UInt64?) -> String { WrittenValue.words(tag) }
}

extension Reply {
    var code: UInt64 {
        switch self {
        case .session: 1
        case .outcome: 2
        case .catalog: 3
        case .failed(let failure): 4 + UInt64(failure.code.rawValue) << 4
        }
    }
}

extension FileFailure {
    /// The failure itself promises that nothing was changed.
    var saysNothingHappened: Bool { hint.hasPrefix("nothing was published") || code == .noSpace }
}
