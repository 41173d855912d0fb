import Glibc

/// A thread of the operating system that runs one closure; must be joined.
final class OSThread: @unchecked Sendable {
    private var handle: pthread_t = 0
    private var joined = false

    private final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    init(_ body: @escaping @Sendable () -> Void) {
        let box = Unmanaged.passRetained(Box(body))
        let code = pthread_create(
            &handle, nil,
            { argument in
                Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
                return nil
            }, box.toOpaque())
        precondition(code == 0, "pthread_create failed with \(code): the system has no threads left")
    }

    /// Waits for the end of the closure. Called from the thread itself it detaches instead.
    func join() {
        guard !joined else { return }
        joined = true
        if pthread_equal(pthread_self(), handle) != 0 {
            pthread_detach(handle)
        } else {
            pthread_join(handle, nil)
        }
    }
}
