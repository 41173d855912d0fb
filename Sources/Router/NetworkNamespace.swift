internal import CLinux
internal import Glibc

/// What the system refused.
package struct RouterError: Error, Hashable, Sendable, CustomStringConvertible {
    package let operation: String
    package let object: String
    package let cause: String

    package init(_ operation: String, _ object: String, _ cause: String) {
        self.operation = operation
        self.object = object
        self.cause = cause
    }

    /// With the cause that `errno` tells.
    static func system(_ operation: String, _ object: String) -> RouterError {
        RouterError(operation, object, String(cString: strerror(errno)))
    }

    package var description: String { "\(operation) \(object): \(cause)" }
}

/// Network namespaces belong to threads, so that everything here happens on a thread of its own that
/// ends afterwards. A namespace has no name in the file system: it lasts as long as a process is in it,
/// a socket is of it, or a descriptor of it is open. Nothing is left when those end, however they end.
package enum NetworkNamespace {
    /// Runs `body` in the namespace of that file, such as `/proc/PID/fd/N`.
    package static func within<Result: Sendable>(_ path: String, _ body: @escaping @Sendable () throws -> Result) throws -> Result {
        try onThread {
            try enter(path)
            return try body()
        }
    }

    /// Moves the calling thread: for a process that becomes another program next.
    package static func enter(_ path: String) throws(RouterError) {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw .system("open", path) }
        defer { close(file) }
        guard atoll_enter_network(file) == 0 else { throw .system("enter", "network namespace \(path)") }
    }

    /// Runs `body` in a new namespace, which ends with it unless `body` keeps something of it.
    static func new<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) throws -> Result {
        try onThread {
            guard atoll_unshare_network() == 0 else { throw RouterError.system("make", "a network namespace") }
            return try body()
        }
    }

    /// Nil where this process can make namespaces with TUN devices; else what is missing, and what to do about it.
    /// Looking changes nothing: the namespace that it makes ends at once.
    package static func obstacle() -> (cause: String, hint: String)? {
        if geteuid() != 0 {
            return (
                "network namespaces need root", "run it as root (sudo), or leave --network namespaces out: links are then shaped in process"
            )
        }
        guard access("/dev/net/tun", F_OK) == 0 else {
            return (
                "there is no /dev/net/tun",
                "load the kernel's module (`modprobe tun`), or give the container the device (--device /dev/net/tun)"
            )
        }
        do {
            try new {
                let file = atoll_open_tun("probe")
                guard file >= 0 else { throw RouterError.system("open", "/dev/net/tun") }
                close(file)
            }
            return nil
        } catch {
            return ("\(error)", "in a container allow NET_ADMIN and SYS_ADMIN")
        }
    }

    private final class Box<Result: Sendable>: @unchecked Sendable {
        let body: @Sendable () throws -> Result
        var result: Swift.Result<Result, any Error>?
        init(_ body: @escaping @Sendable () throws -> Result) { self.body = body }
    }

    /// The caller waits, so that what the box holds is never used by two threads at once.
    private static func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) throws -> Result {
        let box = Box(body)
        let work: () -> Void = { box.result = Swift.Result { try box.body() } }
        let handed = Unmanaged.passRetained(Work(work))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<Work>.fromOpaque(argument!).takeRetainedValue().run()
                return nil
            }, handed.toOpaque())
        guard code == 0 else {
            handed.release()
            throw RouterError("start", "a thread", String(cString: strerror(code)))
        }
        pthread_join(thread, nil)
        return try box.result!.get()
    }

    private final class Work {
        let run: () -> Void
        init(_ run: @escaping () -> Void) { self.run = run }
    }
}
