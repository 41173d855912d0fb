import NIOCore
import Primitives
import Synchronization

/// The bytes behind the core's `BufferID`s. Front ends and disk threads put buffers in, the
/// interpreter takes them out; the core says when one is dropped.
final class BufferTable: Sendable {
    private struct State {
        var buffers: [BufferID: ByteBuffer] = [:]
        var next: UInt64 = 1
        var bytes = 0
    }
    private let state = Mutex(State())

    func insert(_ buffer: ByteBuffer) -> BufferID {
        state.withLock { state in
            let id = BufferID(state.next)
            state.next += 1
            state.buffers[id] = buffer
            state.bytes += buffer.readableBytes
            return id
        }
    }

    /// A part of a buffer as one of its own; nil where the buffer is gone or has not so many bytes.
    func insertSlice(of id: BufferID, offset: Int, length: Int) -> BufferID? {
        guard let whole = self[id], let part = whole.getSlice(at: whole.readerIndex + offset, length: length) else { return nil }
        return insert(part)
    }

    subscript(id: BufferID) -> ByteBuffer? { state.withLock { $0.buffers[id] } }

    @discardableResult
    func remove(_ id: BufferID) -> ByteBuffer? {
        state.withLock { state in
            let buffer = state.buffers.removeValue(forKey: id)
            state.bytes -= buffer?.readableBytes ?? 0
            return buffer
        }
    }

    /// Buffers and bytes held now, for metrics.
    var load: (count: Int, bytes: Int) { state.withLock { ($0.buffers.count, $0.bytes) } }
}
