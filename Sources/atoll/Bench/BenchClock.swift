import Foundation

/// What a piece of work took: by the clock, and of the processor by all threads of this process, in
/// user mode and in the system. What the kernel does later on its own account is not in it.
struct Lap: Sendable {
    var wallSeconds: Double
    var processorSeconds: Double

    static func measure(_ body: () throws -> Void) rethrows -> Lap {
        let wall = BenchClock.nanoseconds
        let processor = BenchClock.processorNanoseconds
        try body()
        return Lap(
            wallSeconds: Double(BenchClock.nanoseconds - wall) / 1e9,
            processorSeconds: Double(BenchClock.processorNanoseconds - processor) / 1e9)
    }
}

enum BenchClock {
    static var nanoseconds: Int64 { read(CLOCK_MONOTONIC) }
    static var processorNanoseconds: Int64 { read(CLOCK_PROCESS_CPUTIME_ID) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
