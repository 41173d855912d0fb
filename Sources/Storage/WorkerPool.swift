/// A few threads that run jobs in the order of their coming; the queue is bounded, submitting waits.
final class WorkerPool: Sendable {
    /// What the threads share; they keep it, not the pool, alive.
    private final class Shared: @unchecked Sendable {
        let monitor = Monitor()
        var jobs: [@Sendable () -> Void] = []
        var head = 0
        var isStopped = false
        let limit: Int

        init(limit: Int) { self.limit = limit }

        func run() {
            while true {
                monitor.lock()
                while head == jobs.count, !isStopped { monitor.wait() }
                guard head < jobs.count else {
                    monitor.unlock()
                    return
                }
                let job = jobs[head]
                head += 1
                if head == jobs.count {
                    jobs.removeAll(keepingCapacity: true)
                    head = 0
                }
                monitor.broadcast()
                monitor.unlock()
                job()
            }
        }
    }

    private let shared: Shared
    private let threads: [OSThread]

    init(threads count: Int, limit: Int = 256) {
        precondition(count > 0, "a pool needs a thread")
        let shared = Shared(limit: limit)
        self.shared = shared
        threads = (0..<count).map { _ in OSThread { shared.run() } }
    }

    deinit { stop() }

    /// False where the pool has stopped; the job will not run then.
    func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        shared.monitor.lock()
        defer { shared.monitor.unlock() }
        while shared.jobs.count - shared.head >= shared.limit, !shared.isStopped { shared.monitor.wait() }
        guard !shared.isStopped else { return false }
        shared.jobs.append(job)
        shared.monitor.broadcast()
        return true
    }

    /// Runs what is queued to its end and joins the threads.
    func stop() {
        shared.monitor.withLock {
            shared.isStopped = true
            shared.monitor.broadcast()
        }
        for thread in threads { thread.join() }
    }
}
