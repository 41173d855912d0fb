internal import APISchema
internal import Filesystem
internal import NIOCore

/// Cuts the body of an upload into windows with their places in the file.
///
/// A plain body is the file from front to back. A sparse one is a row of extents, each behind its head of 16 bytes:
/// offset and length, big-endian, rising and apart; a head of length 0 ends it, its offset is the file's size. What
/// lies between the extents are holes.
struct UploadWindows {
    let window: Int
    let isSparse: Bool
    /// Of the file, so far; behind the last byte of a sparse file's end.
    private(set) var size: UInt64 = 0
    /// Bytes of the body.
    private(set) var received: UInt64 = 0
    private(set) var isEnded = false

    private var pending = ByteBuffer()
    /// Where `pending` begins.
    private var start: UInt64 = 0
    private var head = ByteBuffer()
    /// What is still to come of this extent.
    private var left: UInt64

    init(window: Int, isSparse: Bool) {
        self.window = window
        self.isSparse = isSparse
        left = isSparse ? 0 : .max
    }

    /// Takes the next bytes of the body and hands out windows that are full, or end before a hole.
    mutating func feed(_ piece: ByteBuffer, _ body: (UInt64, ByteBuffer) async throws -> Void) async throws {
        var piece = piece
        received += UInt64(piece.readableBytes)
        while piece.readableBytes > 0 {
            guard !isEnded else { throw Self.malformed("bytes follow its end") }
            if left == 0 {
                guard try begin(&piece) else { continue }
                if pending.readableBytes > 0, isEnded || size != start + UInt64(pending.readableBytes) { try await hand(body) }
                // At the end it stays behind the last byte that came: a hole may follow that.
                if pending.readableBytes == 0, !isEnded { start = size }
                continue
            }
            let count = min(piece.readableBytes, window - pending.readableBytes, Int(clamping: left))
            guard var part = piece.readSlice(length: count) else { break }
            pending.writeBuffer(&part)
            size += UInt64(count)
            if isSparse { left -= UInt64(count) }
            if pending.readableBytes == window { try await hand(body) }
        }
    }

    /// The last window. A sparse file that ends in a hole gets its last byte written, which makes it so long.
    mutating func finish(_ body: (UInt64, ByteBuffer) async throws -> Void) async throws {
        guard !isSparse || isEnded else { throw Self.malformed("it has no end") }
        let end = start + UInt64(pending.readableBytes)
        if pending.readableBytes > 0 { try await hand(body) }
        if isSparse, size > end { try await body(size - 1, ByteBuffer(bytes: [0])) }
    }

    private mutating func hand(_ body: (UInt64, ByteBuffer) async throws -> Void) async throws {
        let full = pending
        pending = ByteBuffer()
        defer { start += UInt64(full.readableBytes) }
        try await body(start, full)
    }

    /// Reads the head of an extent; false where it is not whole yet.
    private mutating func begin(_ piece: inout ByteBuffer) throws -> Bool {
        guard var part = piece.readSlice(length: min(16 - head.readableBytes, piece.readableBytes)) else { return false }
        head.writeBuffer(&part)
        guard head.readableBytes == 16, let offset = head.readInteger(as: UInt64.self), let length = head.readInteger(as: UInt64.self)
        else {
            return false
        }
        head.clear()
        guard offset >= size, offset <= UInt64(Int64.max), length <= UInt64(Int64.max) - offset else {
            throw Self.malformed("an extent at \(offset) of \(length) bytes behind \(size)")
        }
        size = offset
        left = length
        isEnded = length == 0
        return true
    }

    private static func malformed(_ what: String) -> FileFailure {
        FileFailure(
            .invalid, operation: "receive", object: "body", cause: "it is no sparse file: \(what)",
            hint: "see /v1/openapi.json, sparse=true")
    }
}
