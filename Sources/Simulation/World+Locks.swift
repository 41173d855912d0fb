import Filesystem
import Primitives

// Clients that hold ranges of files, and for how long they may count on it.
extension World {
    mutating func makeLock(_ file: Int, _ index: Int) -> Job {
        func below(_ count: Int) -> Int { clients[index].chance.below(count) }
        func ask() -> LockJob.Ask {
            // Half of them want the whole file for themselves: those meet the most.
            guard below(2) == 0 else { return LockJob.Ask(range: LockJob.wholeFile, exclusive: true) }
            return LockJob.Ask(range: LockJob.ranges[below(LockJob.ranges.count)], exclusive: below(2) == 0)
        }
        let wait = below(2) == 0
        let first = ask()
        var change: LockJob.Change?
        switch below(6) {
        case 0: change = .lock(LockJob.Ask(range: first.range, exclusive: !first.exclusive))
        case 1: change = .lock(ask())
        case 2: change = .unlock(LockJob.ranges[1 + below(LockJob.ranges.count - 1)])
        default: break
        }
        var job = Job(.lockCycle(wait: wait))
        job.file = file
        job.hold = Int64(1 + below(500)) * 1_000_000
        job.lock = LockJob(wait: wait, first: first, change: change)
        return job
    }

    /// A request about a lock leaves the client.
    mutating func lockAsked(_ index: Int, _ operation: FileOperation) {
        switch operation {
        case .unlock(_, let range): record(clients[index].job?.lock?.gives(range) ?? [], index)
        case .lock(_, let range, let exclusive, _):
            record(clients[index].job?.lock?.asks(LockJob.Ask(range: range, exclusive: exclusive), at: now) ?? [], index)
        default: break
        }
    }

    /// The step about a lock was granted.
    mutating func lockGranted(_ index: Int, _ job: inout Job) {
        switch (job.step, job.lock?.change) {
        case (1, _):
            guard let first = job.lock?.first else { return }
            record(job.lock?.granted(first, at: now) ?? [], index)
        case (2, .lock(let ask)): record(job.lock?.granted(ask, at: now) ?? [], index)
        default: break
        }
    }

    /// The client gives its locks back, or is gone: from here on others may have them.
    mutating func lockEnds(_ index: Int) {
        guard clients[index].job?.lock?.held.isEmpty == false else { return }
        statistics.locks += 1
        statistics.checks.count(.linearizability)
        record(clients[index].job?.lock?.gives(LockJob.wholeFile) ?? [], index)
    }

    private mutating func record(_ held: [LockJob.Held], _ index: Int) {
        guard let job = clients[index].job else { return }
        for lock in held {
            histories.hold(
                clients[index].plan.filesystem, job.file,
                LockHold(client: index, start: lock.start, end: lock.end, exclusive: lock.exclusive, from: lock.from, until: now))
        }
    }
}
