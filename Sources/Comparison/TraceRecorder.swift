internal import Filesystem
internal import Primitives
internal import Synchronization
package import Workloads

/// Writes down what the clients of a comparison do on the network file system, so that the same can be
/// replayed elsewhere. Preparations and faults are left out, and locks, which a trace does not know.
package final class TraceRecorder: Sendable {
    private struct State {
        var trace: Trace
        var began: Instant?
        /// By client and handle; looked up only.
        var paths: [String: String] = [:]
        var leftOut = 0
    }
    private let state: Mutex<State>

    package init(name: String) { state = Mutex(State(trace: Trace(name: name, clients: [], events: []))) }

    /// What was recorded, and how many events were beyond the most that a trace may have.
    package var recorded: (trace: Trace, leftOut: Int) {
        state.withLock { state in
            var trace = state.trace
            // Clients write as they begin and end at the same time: ties and overtaking are put in order.
            trace.events = trace.events.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
            return (trace, state.leftOut)
        }
    }

    /// One operation that went well, and when it began.
    func note(_ task: WorkloadTask, _ operation: FileOperation, payload: UInt64, _ value: FileValue, at now: Instant) {
        guard task.kind == .nfs, case .cell = task.part else { return }
        state.withLock { state in
            let name = "\(task.region)-\(task.client)"
            func words(_ path: FilePath) -> String { path.components.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/") }
            func file(_ handle: HandleID) -> String { state.paths["\(name) \(handle.rawValue)"] ?? "" }
            var event = Trace.Event(at: .zero, client: 0, verb: .stat)
            switch operation {
            case .open(let path, _):
                if case .opened(let handle, _) = value { state.paths["\(name) \(handle.rawValue)"] = words(path) }
                return
            case .stat(let path, _): event.path = words(path)
            case .list(let path, 0, _): (event.verb, event.path) = (.list, words(path))
            case .makeDirectory(let path, _, _): (event.verb, event.path) = (.mkdir, words(path))
            case .remove(let path, _): (event.verb, event.path) = (.remove, words(path))
            case .rename(let from, let to, _): (event.verb, event.path, event.to) = (.rename, words(from), words(to))
            case .read(let handle, let offset, _):
                guard case .data(let length, _) = value, length > 0 else { return }
                (event.verb, event.path, event.offset, event.bytes) = (.read, file(handle), offset, length)
            case .write(let handle, let offset):
                guard payload > 0 else { return }
                (event.verb, event.path, event.offset, event.bytes) = (.write, file(handle), offset, UInt32(min(payload, 1 << 20)))
            case .sync(let handle): (event.verb, event.path) = (.sync, file(handle))
            case .close(let handle, _): (event.verb, event.path) = (.close, file(handle))
            default: return
            }
            guard !event.path.isEmpty || event.verb == .list else { return }
            guard state.trace.events.count < Trace.eventsMax else { return state.leftOut += 1 }
            let began = state.began ?? now
            state.began = began
            event.at = now < began ? .zero : now - began
            let known = state.trace.clients.firstIndex { $0.name == name }
            if known == nil { state.trace.clients.append(Trace.Client(name: name, region: task.region.name)) }
            event.client = known ?? state.trace.clients.count - 1
            state.trace.events.append(event)
        }
    }
}
