package import Filesystem
package import Primitives

/// Names the parts of one large change: those of one session of one node.
package struct UploadID: Hashable, Comparable, Sendable, XDRCodable, CustomStringConvertible {
    package let node: NodeID
    package let session: SessionID
    /// Counts the uploads of the node's run.
    package let number: UInt64
    package init(node: NodeID, session: SessionID, number: UInt64) {
        self.node = node
        self.session = session
        self.number = number
    }
    package static func < (a: Self, b: Self) -> Bool { (a.node, a.session, a.number) < (b.node, b.session, b.number) }
    package var description: String { "upload \(number) of session \(session.rawValue) at node \(node)" }

    package func encode(to writer: inout XDRWriter) {
        writer.write(node)
        writer.write(session.rawValue)
        writer.write(number)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(node: try reader.value(), session: SessionID(try reader.uint64()), number: try reader.uint64())
    }
}

/// A change that is too large for one entry of the log, on its way: its parts lie in the replicated
/// state, where nobody sees them, until one entry names them all and puts them in force.
///
/// Every replica has the same parts and drops them alike: by the entry that publishes or drops them,
/// or by the ticks that the group's leader proposes while there are any. So a client that dies between
/// two parts leaves nothing but space, and that for `tickLimit` ticks only. No clock is compared with
/// another one: a node whose civil time is wrong drops nobody's parts.
package struct CommitUploads: Sendable, Equatable {
    /// Bytes of one part. Small beside what a wide-area link carries in a heartbeat's time, and large
    /// beside what an entry costs.
    package static let partBytes = 1 << 20
    /// Changes up to this many bytes travel in one entry.
    package static let wholeBytes = 2 << 20
    /// Parts of one change: 512 MiB of metadata, which is the content of two million inodes and more.
    package static let partLimit: UInt32 = 512
    /// Bytes of all changes under way in one file system.
    package static let totalBytes = 1 << 30
    /// Changes under way in one file system.
    package static let capacity = 1_024
    /// Between two ticks, as the leader's own clock runs; a new leader waits for as long before its first.
    package static let tickPause: Duration = .seconds(60)
    /// An upload without a new part for so many ticks is dropped.
    package static let tickLimit: UInt32 = 15

    struct Upload: Sendable, Equatable {
        /// Empty where one has not come yet.
        var parts: [[UInt8]]
        /// Ticks since the last part came.
        var idle: UInt32 = 0
        var isWhole: Bool { !parts.contains { $0.isEmpty } }
    }

    var uploads = OrderedUploads()
    private(set) var bytes = 0

    package var isEmpty: Bool { uploads.isEmpty }
    package var count: Int { uploads.count }
    /// Parts that are here, of all uploads.
    package var partCount: Int { parts.count { !$0.isEmpty } }

    /// Takes a part in, in any order; one that is here already changes nothing.
    mutating func stage(_ id: UploadID, part: UInt32, _ content: [UInt8]) -> FileFailure? {
        func refuse(_ code: FileFailure.Code, _ cause: String, _ hint: String) -> FileFailure {
            FileFailure(code, operation: "stage part", object: "\(id)", cause: cause, hint: hint)
        }
        var upload = uploads[id] ?? Upload(parts: [])
        if part < upload.parts.count, !upload.parts[Int(part)].isEmpty { return nil }
        guard part < Self.partLimit, (1...Self.partBytes).contains(content.count) else {
            return refuse(.tooLarge, "a change has at most \(Self.partLimit) parts of 1 MiB", "commit in smaller steps")
        }
        guard bytes + content.count <= Self.totalBytes, uploads[id] != nil || uploads.count < Self.capacity else {
            return refuse(.overloaded, "too many large changes of this file system are under way", "try again when they are through")
        }
        while upload.parts.count <= part { upload.parts.append([]) }
        upload.parts[Int(part)] = content
        upload.idle = 0
        uploads[id] = upload
        bytes += content.count
        return nil
    }

    /// All parts as one, if they are here and are what the publisher means.
    mutating func take(_ id: UploadID, parts: UInt32, digest: Digest) throws(FileFailure) -> [UInt8] {
        guard let upload = uploads[id], upload.parts.count == Int(parts), upload.isWhole else {
            throw FileFailure(
                .stale, operation: "publish", object: "\(id)",
                cause:
                    "some of its \(parts) parts were dropped: they lay here for \(Self.tickLimit) minutes",
                hint: "nothing was published; commit again")
        }
        drop(id)
        var whole: [UInt8] = []
        whole.reserveCapacity(upload.parts.reduce(0) { $0 + $1.count })
        for part in upload.parts { whole += part }
        guard SHA256.hash(whole) == digest else {
            throw FileFailure(
                .ioError, operation: "publish", object: "\(id)", cause: "its parts are not what was sent", hint: "commit again")
        }
        return whole
    }

    mutating func drop(_ id: UploadID) {
        guard let upload = uploads.remove(id) else { return }
        bytes -= upload.parts.reduce(0) { $0 + $1.count }
    }

    /// Whose session has ended.
    mutating func drop(node: NodeID, session: SessionID) {
        for id in uploads.keys where id.node == node && id.session == session { drop(id) }
    }

    /// Every upload is a tick older; those that are too old go.
    mutating func tick() {
        for id in uploads.keys {
            guard var upload = uploads[id] else { continue }
            upload.idle += 1
            uploads[id] = upload
            if upload.idle >= Self.tickLimit { drop(id) }
        }
    }
}

/// Few, by id, and compared as a whole.
struct OrderedUploads: Sendable, Equatable {
    private var entries: [(id: UploadID, upload: CommitUploads.Upload)] = []
    var keys: [UploadID] { entries.map(\.id) }
    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }

    private func position(_ id: UploadID) -> Int { entries.firstIndex { !($0.id < id) } ?? entries.count }

    subscript(id: UploadID) -> CommitUploads.Upload? {
        get {
            let place = position(id)
            return place < entries.count && entries[place].id == id ? entries[place].upload : nil
        }
        set {
            let place = position(id)
            let exists = place < entries.count && entries[place].id == id
            switch (newValue, exists) {
            case (let value?, true): entries[place].upload = value
            case (let value?, false): entries.insert((id, value), at: place)
            case (nil, true): entries.remove(at: place)
            case (nil, false): break
            }
        }
    }

    mutating func remove(_ id: UploadID) -> CommitUploads.Upload? {
        defer { self[id] = nil }
        return self[id]
    }

    static func == (a: Self, b: Self) -> Bool { a.entries.elementsEqual(b.entries) { $0.id == $1.id && $0.upload == $1.upload } }
}

// A snapshot tells of the uploads in its head and carries each part as a piece of its own.

extension CommitUploads: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(UInt32(uploads.count))
        for id in uploads.keys {
            guard let upload = uploads[id] else { continue }
            writer.write(id)
            writer.write(upload.idle)
            writer.write(UInt32(upload.parts.count))
        }
    }

    /// Without its parts: `restore` brings them, in the order of `parts`.
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init()
        for _ in 0..<(try reader.count(limit: Self.capacity, minimumSize: 32)) {
            let id: UploadID = try reader.value()
            if let last = uploads.keys.last, !(last < id) { throw .badValue(what: "ascending upload", value: id.number) }
            let idle = try reader.uint32()
            guard idle < Self.tickLimit else { throw .badValue(what: "age of an upload", value: UInt64(idle)) }
            let count = try reader.uint32()
            guard count <= Self.partLimit else { throw .badValue(what: "number of parts", value: UInt64(count)) }
            uploads[id] = Upload(parts: Array(repeating: [], count: Int(count)), idle: idle)
        }
    }

    var parts: [[UInt8]] { uploads.keys.flatMap { uploads[$0]?.parts ?? [] } }

    mutating func restore(_ next: () throws(XDRError) -> [UInt8]) throws(XDRError) {
        for id in uploads.keys {
            guard var upload = uploads[id] else { continue }
            for index in upload.parts.indices {
                upload.parts[index] = try next()
                bytes += upload.parts[index].count
            }
            uploads[id] = upload
        }
    }
}
