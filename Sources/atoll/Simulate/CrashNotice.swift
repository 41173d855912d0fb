import Foundation

/// A run that ends the process (a precondition that does not hold) says which command repeats it: the
/// lines of the runs under way are kept as bytes that a signal handler can write.
enum CrashNotice {
    static let lanes = 256
    static let width = 512
    nonisolated(unsafe) private static let lines = UnsafeMutablePointer<UInt8>.allocate(capacity: lanes * width)

    static func install() {
        lines.initialize(repeating: 0, count: lanes * width)
        for number in [SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS] {
            signal(number) { number in
                CrashNotice.tell()
                signal(number, SIG_DFL)
                raise(number)
            }
        }
    }

    /// Called on the lane's own thread.
    static func running(_ text: String, lane: Int) {
        let bytes = text.isEmpty ? [] : Array("it crashed; one of these repeats it: \(text)\n".utf8.prefix(width - 1))
        let line = lines + lane * width
        line[0] = 0
        for (place, byte) in bytes.enumerated().reversed() { line[place] = byte }
        if !bytes.isEmpty { line[bytes.count] = 0 }
    }

    private static func tell() {
        for lane in 0..<lanes {
            let line = lines + lane * width
            let length = strlen(UnsafeRawPointer(line).assumingMemoryBound(to: CChar.self))
            if length > 0 { _ = write(STDERR_FILENO, line, length) }
        }
    }
}
