import Primitives

/// What data planes say to each other beside the core's messages: chunks and snapshots
/// (docs/reference/wire.md). The first word of a frame's header tells core (1) and data plane (2).
enum DataMessage {
    static let coreTag: UInt32 = 1
    static let dataTag: UInt32 = 2
    /// A message of the core that is too long for a header: its bytes, the tag `coreTag` first, come beside it.
    static let largeCoreTag: UInt32 = 3

    /// "Which of these do you lack?"
    case offer(token: UInt64, [ChunkReference])
    /// Positions in the offer.
    case want(token: UInt64, [UInt32])
    /// The chunks as they are stored (`StoredChunk`), one after the other, come beside it. `frames`: 0, or in the
    /// last frame of a push how many there were: acknowledge when
    /// all of the token's chunks are durable.
    case chunks(token: UInt64, [ChunkReference], frames: UInt32)
    case stored(token: UInt64, ok: Bool)
    case fetch(token: UInt64, [ChunkReference])
    /// The chunks that were found come beside it, as they are stored.
    case fetched(token: UInt64, [ChunkReference], frames: UInt32)
    /// A piece of a snapshot comes beside it; the next is sent when this one is acknowledged.
    case snapshot(token: UInt64, GroupID, metadata: [UInt8], offset: UInt64, total: UInt64, Digest)
    case snapshotReceived(token: UInt64, ok: Bool, done: Bool)
}

extension DataMessage: XDRCodable {
    /// References in one message.
    static let limit = 65_536

    func encode(to writer: inout XDRWriter) {
        switch self {
        case .offer(let token, let chunks):
            writer.write(UInt32(1))
            writer.write(token)
            writer.write(chunks)
        case .want(let token, let positions):
            writer.write(UInt32(2))
            writer.write(token)
            writer.write(UInt32(positions.count))
            for position in positions { writer.write(position) }
        case .chunks(let token, let chunks, let frames):
            writer.write(UInt32(3))
            writer.write(token)
            writer.write(chunks)
            writer.write(frames)
        case .stored(let token, let ok):
            writer.write(UInt32(4))
            writer.write(token)
            writer.write(ok)
        case .fetch(let token, let chunks):
            writer.write(UInt32(5))
            writer.write(token)
            writer.write(chunks)
        case .fetched(let token, let chunks, let frames):
            writer.write(UInt32(6))
            writer.write(token)
            writer.write(chunks)
            writer.write(frames)
        case .snapshot(let token, let group, let metadata, let offset, let total, let digest):
            writer.write(UInt32(7))
            writer.write(token)
            writer.write(group)
            writer.write(opaque: metadata)
            writer.write(offset)
            writer.write(total)
            writer.write(digest)
        case .snapshotReceived(let token, let ok, let done):
            writer.write(UInt32(8))
            writer.write(token)
            writer.write(ok)
            writer.write(done)
        }
    }

    init(from reader: inout XDRReader) throws(XDRError) {
        let kind = try reader.uint32()
        let token = try reader.uint64()
        switch kind {
        case 1: self = .offer(token: token, try reader.array(limit: Self.limit))
        case 2:
            var positions: [UInt32] = []
            for _ in 0..<(try reader.count(limit: Self.limit)) { positions.append(try reader.uint32()) }
            self = .want(token: token, positions)
        case 3: self = .chunks(token: token, try reader.array(limit: Self.limit), frames: try reader.uint32())
        case 4: self = .stored(token: token, ok: try reader.bool())
        case 5: self = .fetch(token: token, try reader.array(limit: Self.limit))
        case 6: self = .fetched(token: token, try reader.array(limit: Self.limit), frames: try reader.uint32())
        case 7:
            self = .snapshot(
                token: token, try reader.value(), metadata: Array(try reader.opaque(limit: 1 << 20)), offset: try reader.uint64(),
                total: try reader.uint64(), try reader.value())
        case 8: self = .snapshotReceived(token: token, ok: try reader.bool(), done: try reader.bool())
        default: throw .badValue(what: "data message", value: UInt64(kind))
        }
    }

    /// The header of the frame that carries it.
    var frameHeader: [UInt8] {
        var writer = XDRWriter()
        writer.write(Self.dataTag)
        writer.write(self)
        return writer.bytes
    }
}
