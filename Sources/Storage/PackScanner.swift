import Chunks
import Primitives

/// Walks the frames of a pack and finds the way past destroyed ones.
struct PackScanner {
    enum Depth {
        /// Trusts payloads that a sound header describes.
        case headers
        /// Verifies each frame's checksum.
        case checksums
    }

    enum Item {
        case frame(PackEntry)
        /// Bytes that are no sound frame, with sound ones behind them: something was lost here. The
        /// entry is known where only the payload has decayed.
        case damaged(offset: UInt64, length: UInt64, problem: FrameProblem, entry: PackEntry?)
        case footer(offset: UInt64)
        /// Nothing sound from here to the end: an append that was never finished.
        case torn(offset: UInt64, problem: FrameProblem)
    }

    private let file: File
    private let depth: Depth
    private let end: UInt64
    private var offset: UInt64
    private var buffer: [UInt8] = []
    private static let window = 1 << 20

    init(_ file: File, from offset: UInt64, depth: Depth) throws(StorageError) {
        self.file = file
        self.depth = depth
        self.offset = max(offset, UInt64(PackHeader.size))
        end = try file.size()
    }

    mutating func next() throws(StorageError) -> Item? {
        guard offset < end else { return nil }
        let here = offset
        if try isFooter(at: here) {
            offset = end
            return .footer(offset: here)
        }
        do {
            let frame = try header(at: here)
            let entry = PackEntry(offset: here, frame: frame)
            let next = here + UInt64(frame.frameSize)
            let isTrusted = depth == .headers ? true : try isSound(frame, at: here)
            guard isTrusted else {
                guard let sound = try findSound(from: next) else {
                    offset = end
                    return .torn(offset: here, problem: .badPayloadChecksum)
                }
                offset = sound
                return .damaged(offset: here, length: sound - here, problem: .badPayloadChecksum, entry: entry)
            }
            offset = next
            return .frame(entry)
        } catch let error as StorageError {
            throw error
        } catch {
            let problem = error as? FrameProblem ?? .badMagic
            if case .newerVersion(let version) = problem {
                throw StorageError.newerFormat(path: file.path, found: UInt64(version), supported: UInt64(ChunkFrame.version))
            }
            guard let sound = try findSound(from: here + UInt64(ChunkFrame.alignment)) else {
                offset = end
                return .torn(offset: here, problem: problem)
            }
            offset = sound
            return .damaged(offset: here, length: sound - here, problem: problem, entry: nil)
        }
    }

    /// Reads the header at an offset; throws `FrameProblem` or `StorageError`.
    private func header(at offset: UInt64) throws -> ChunkFrame {
        let bytes = try file.read(at: offset, count: ChunkFrame.headerSize)
        let frame = try bytes.withBytes { buffer throws(FrameProblem) in try ChunkFrame(header: buffer) }
        guard UInt64(frame.frameSize) <= end - offset else { throw FrameProblem.truncated }
        return frame
    }

    private mutating func isSound(_ frame: ChunkFrame, at offset: UInt64) throws(StorageError) -> Bool {
        let count = ChunkFrame.headerSize + Int(frame.storedLength)
        if buffer.count < count { buffer = [UInt8](repeating: 0, count: max(count, Self.window)) }
        return try buffer.withMutableBytes { buffer throws(StorageError) in
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
            guard try file.read(at: offset, into: part) == count else { return false }
            return (try? ChunkFrame(verifying: UnsafeRawBufferPointer(part))) != nil
        }
    }

    private func isFooter(at offset: UInt64) throws(StorageError) -> Bool {
        guard end - offset >= UInt64(PackFooter.size(entries: 0)) else { return false }
        let trailer = try file.read(at: end - UInt64(PackFooter.trailerSize), count: PackFooter.trailerSize)
        guard let found = trailer.withUnsafeBytes({ try? PackFooter.locate(trailer: $0, fileSize: end) }) else { return false }
        return found.offset == offset
    }

    /// The first sound frame or footer at or behind an offset.
    private mutating func findSound(from start: UInt64) throws(StorageError) -> UInt64? {
        var position = (start + 7) & ~7
        while position < end {
            let bytes = try file.read(at: position, count: Self.window + ChunkFrame.headerSize)
            if bytes.count < ChunkFrame.alignment { break }
            let candidates = bytes.withUnsafeBytes { buffer in
                stride(from: 0, to: min(Self.window, buffer.count - 7), by: ChunkFrame.alignment).filter {
                    let word = buffer.uint32(at: $0)
                    return word == ChunkFrame.magic || word == PackFooter.magic
                }
            }
            for candidate in candidates {
                let place = position + UInt64(candidate)
                if try isFooter(at: place) { return place }
                if let frame = try? header(at: place), try isSound(frame, at: place) { return place }
            }
            position += UInt64(Self.window)
        }
        return nil
    }

    /// What the pack's footer lists; nil where it has no sound one.
    static func footerEntries(_ file: File) throws(StorageError) -> [PackEntry]? {
        let size = try file.size()
        guard size >= UInt64(PackHeader.size + PackFooter.size(entries: 0)) else { return nil }
        let trailer = try file.read(at: size - UInt64(PackFooter.trailerSize), count: PackFooter.trailerSize)
        guard let place = trailer.withUnsafeBytes({ try? PackFooter.locate(trailer: $0, fileSize: size) }) else { return nil }
        let bytes = try file.read(at: place.offset, count: place.size)
        return bytes.withUnsafeBytes { try? PackFooter.entries($0, at: place.offset) }
    }

    /// All frames with sound headers, by the footer where there is one.
    static func entries(_ file: File) throws(StorageError) -> [PackEntry] {
        if let listed = try footerEntries(file) { return listed }
        var scanner = try PackScanner(file, from: 0, depth: .headers)
        var entries: [PackEntry] = []
        while let item = try scanner.next() {
            if case .frame(let entry) = item { entries.append(entry) }
        }
        return entries
    }
}
