import Glibc

/// Small helpers around system calls.
enum SystemCall {
    static func message(_ number: Int32) -> String { String(cString: strerror(number)) }

    /// The typed error of a failed call.
    static func error(_ operation: String, _ path: String, _ number: Int32) -> StorageError {
        switch number {
        case ENOSPC, EDQUOT: .noSpace(operation: operation, path: path)
        default: .io(operation: operation, path: path, errno: number)
        }
    }

    static func meansForbidden(_ number: Int32) -> Bool { number == EACCES || number == EPERM || number == EROFS }

    /// Nanoseconds of the monotonic clock, for rates and statistics only.
    static func monotonicNanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// 64 bits of the system's randomness, for ids of stores.
    static func random() -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }
}
