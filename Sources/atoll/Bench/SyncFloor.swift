import Foundation

/// This disk's own time for making 4 KiB durable: an overwrite of a file whose blocks were all
/// written before, and fdatasync, again and again. No promise of durability can be kept in less.
///
/// On a busy machine most of such a time can be the wait for a core after the disk has answered. The
/// kernel counts that wait for each thread, so it is told apart.
struct SyncFloor: Sendable {
    /// From the write to the return of fdatasync.
    var whole: Latencies
    /// The same without the wait for a core.
    var disk: Latencies

    /// Whether waiting for a core makes up more than a quarter of the median.
    var isDisturbed: Bool { (disk.milliseconds(0.5) ?? 0) < 0.75 * (whole.milliseconds(0.5) ?? 0) }

    private static let blockBytes = 4_096
    private static let blocks = 1_024
    private static let countMaximum = 1_000_000

    /// With `writers` at once, each with a file of its own on the same disk.
    static func measure(writers: Int, in directory: String, bound: Duration, stop: StopFlag) async throws -> SyncFloor {
        let all = try await withThrowingTaskGroup(of: [Time].self) { group in
            for writer in 0..<writers {
                group.addTask {
                    try await Interruptible.thread { try write("\(directory)/sync-\(writer)", bound, stop) }
                }
            }
            var all: [Time] = []
            for try await times in group { all += times }
            return all
        }
        return SyncFloor(whole: Latencies(all.map(\.whole)), disk: Latencies(all.map { max(0, $0.whole - $0.wait) }))
    }

    private static func write(_ path: String, _ bound: Duration, _ stop: StopFlag) throws -> [Time] {
        let file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw LocalFiles.failure("bench raft: write", path) }
        defer {
            close(file)
            unlink(path)
        }
        let block = [UInt8](repeating: 0xa7, count: blockBytes)
        for index in 0..<blocks { try write(block, file, index, path) }
        guard fsync(file) == 0 else { throw LocalFiles.failure("bench raft: sync", path) }
        var times: [Time] = []
        let end = BenchClock.nanoseconds + bound.components.seconds * 1_000_000_000 + bound.components.attoseconds / 1_000_000_000
        while times.count < countMaximum {
            try stop.check()
            let waited = coreWait
            let began = BenchClock.nanoseconds
            guard began < end else { break }
            try write(block, file, times.count % blocks, path)
            guard fdatasync(file) == 0 else { throw LocalFiles.failure("bench raft: sync", path) }
            let whole = BenchClock.nanoseconds - began
            times.append(Time(whole: whole, wait: coreWait - waited))
        }
        return times
    }

    private struct Time: Sendable {
        var whole: Int64
        var wait: Int64
    }

    /// Nanoseconds that this thread was ready to run and had no core; 0 where the kernel does not count them.
    private static var coreWait: Int64 {
        let fields = ((try? LocalFiles.text("/proc/thread-self/schedstat")) ?? "").split(separator: " ")
        return fields.count > 1 ? Int64(fields[1]) ?? 0 : 0
    }

    private static func write(_ block: [UInt8], _ file: Int32, _ index: Int, _ path: String) throws {
        guard pwrite(file, block, blockBytes, off_t(index * blockBytes)) == blockBytes else {
            throw LocalFiles.failure("bench raft: write", path)
        }
    }
}
