import CDispatch
import Foundation
import Synchronization

/// Signals that are heard instead of ending the process: the first of a kind is told to whoever asked for it, on a
/// thread of its own; a second one ends the process as signals do. Heard from the moment that `watch` returns: the sources of
/// Dispatch are not, since the signal must be ignored until the source is in place, some time after `resume`, and is lost
/// until then; and since they read signals from a descriptor, they may take the one by which a program ends itself.
enum Signals {
    typealias Listener = @Sendable (Int32) -> Void

    private static let listeners = Mutex<[Int32: [Listener]]>([:])
    /// The end of a pipe into which the handler writes. A plain number: nothing else is safe there.
    nonisolated(unsafe) private static var writer: Int32 = -1
    /// Made with the first use, and there for as long as the process.
    private static let reader: Int32 = {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return -1 }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        writer = ends[1]
        let reader = ends[0]
        let thread = Thread { read(reader) }
        thread.stackSize = 512 << 10
        thread.start()
        return reader
    }()

    /// From here on. Where there are no descriptors left, signals end the process as ever.
    static func watch(_ numbers: [Int32], _ listener: @escaping Listener) {
        guard reader >= 0 else { return }
        listeners.withLock { listeners in for number in numbers { listeners[number, default: []].append(listener) } }
        for number in numbers {
            var action = sigaction()
            action.__sigaction_handler = .init(sa_handler: { number in
                let saved = errno
                var byte = UInt8(truncatingIfNeeded: number)
                _ = write(Signals.writer, &byte, 1)
                errno = saved
            })
            // The next one finds the system's own handling again.
            action.sa_flags = Int32(SA_RESTART) | Int32(bitPattern: UInt32(SA_RESETHAND))
            sigaction(number, &action, nil)
        }
    }

    private static func read(_ descriptor: Int32) {
        // Who started this program may have blocked them: here at least they are taken.
        unblock([SIGINT, SIGTERM, SIGHUP])
        var byte: UInt8 = 0
        while true {
            let count = Foundation.read(descriptor, &byte, 1)
            if count == 0 || count < 0 && errno != EINTR { return }
            guard count == 1 else { continue }
            let number = Int32(byte)
            for listener in listeners.withLock({ $0[number] ?? [] }) { listener(number) }
        }
    }

    private static func unblock(_ numbers: [Int32]) {
        var set = sigset_t()
        sigemptyset(&set)
        for number in numbers { sigaddset(&set, number) }
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    /// Ends the process by this signal, as its parent shall see.
    static func end(by number: Int32) -> Never {
        signal(number, SIG_DFL)
        unblock([number])
        // To this thread: nobody else can take it.
        raise(number)
        while true { pause() }
    }
}
