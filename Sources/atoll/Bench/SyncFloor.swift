import Foundation

/// This disk's own time for making 4 KiB durable: an overwrite of a file whose blocks were all
/// written before, and fdatasync, again and again. No promise of durability can be kept in less.
enum SyncFloor {
    private static let blockBytes = 4_096
    private static let blocks = 1_024
    private static let countMaximum = 1_000_000

    /// With `writers` at once, each with a file of its own on the same disk.
    static func measure(writers: Int, in directory: String, bound: Duration, stop: StopFlag) async throws -> Latencies {
        let all = try await withThrowingTaskGroup(of: [Int64].self) { group in
            for writer in 0..<writers {
                group.addTask {
                    try await Interruptible.thread { try write("\(directory)/sync-\(writer)", bound, stop) }
                }
            }
            var all: [Int64] = []
            for try await times in group { all += times }
            return all
        }
        return Latencies(all)
    }

    private static func write(_ path: String, _ bound: Duration, _ stop: StopFlag) throws -> [Int64] {
        let file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw LocalFiles.failure("bench raft: write", path) }
        defer {
            close(file)
            unlink(path)
        }
        let block = [UInt8](repeating: 0xa7, count: blockBytes)
        for index in 0..<blocks { try write(block, file, index, path) }
        guard fsync(file) == 0 else { throw LocalFiles.failure("bench raft: sync", path) }
        var times: [Int64] = []
        let end = BenchClock.nanoseconds + bound.components.seconds * 1_000_000_000 + bound.components.attoseconds / 1_000_000_000
        while times.count < countMaximum {
            let began = BenchClock.nanoseconds
            guard began < end else { break }
            try stop.check()
            try write(block, file, times.count % blocks, path)
            guard fdatasync(file) == 0 else { throw LocalFiles.failure("bench raft: sync", path) }
            times.append(BenchClock.nanoseconds - began)
        }
        return times
    }

    private static func write(_ block: [UInt8], _ file: Int32, _ index: Int, _ path: String) throws {
        guard pwrite(file, block, blockBytes, off_t(index * blockBytes)) == blockBytes else {
            throw LocalFiles.failure("bench raft: write", path)
        }
    }
}
