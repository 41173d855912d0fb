import Filesystem
import Namespace
package import Primitives
import Replication

// Clones: a new file system, of either kind, with the tree of another one or of a version of it.
// Metadata alone is copied. The leader of the source reads its tree, has the chunks fetched by the nodes
// that shall hold them for the new one, and brings the tree into the new group's log, as an upload.

/// What a clone is made of and into.
package struct CloneOrder: Hashable, Sendable, XDRCodable {
    package var source: FilesystemID
    /// Of a volume; nil for what it holds now.
    package var version: VersionID?
    /// Made for it, and empty (`FilesystemOptions.origin`).
    package var target: FilesystemID
    /// Who asked, for the history.
    package var author: String

    package init(source: FilesystemID, version: VersionID?, target: FilesystemID, author: String) {
        self.source = source
        self.version = version
        self.target = target
        self.author = author
    }
    package func encode(to writer: inout XDRWriter) {
        writer.write(source)
        writer.write(version)
        writer.write(target)
        writer.write(author)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(
            source: try reader.value(), version: try reader.optional(), target: try reader.value(),
            author: try reader.string(limit: CommitInfo.authorBytes))
    }
}

/// A clone under way at the source's leader.
struct CloneWork {
    var publication: Publication
    let parts: UInt32
    let chunks: [ChunkReference]
    /// For each chunk, the region of every copy that is there.
    var copies: [[RegionID]]
    /// Shares of nodes, in batches.
    let batches: [(node: NodeID, region: RegionID, indices: [Int])]
    var counted: Set<Int> = []
    var envelope: [UInt8]?
}

extension NodeState {
    /// A node has 50 s for them: 16 MiB or so.
    private static var gatheredAtOnce: Int { 64 }
    private static var gathersInFlight: Int { 8 }

    private func cloneFailure(_ order: CloneOrder, _ code: FileFailure.Code, _ cause: String, _ hint: String = "") -> FileFailure {
        FileFailure(code, operation: "clone", object: order.source.description, cause: cause, hint: hint)
    }

    /// A clone is not used before it has its content.
    func refuseUnfinished(_ record: FilesystemRecord) -> FileFailure {
        FileFailure(
            .busy, operation: "use", object: "'\(record.label)'",
            cause: "it is being made as a clone of \(record.options.origin?.description ?? "another")",
            hint: "try again; where that does not end, delete it and clone anew")
    }

    // MARK: The node that is asked

    /// Has the leader of the source do it.
    mutating func performClone(_ order: CloneOrder, _ group: GroupID, _ progress: inout RequestProgress) throws(Interrupt) {
        _ = try step(Step(.call, 77), &progress) { node, token in node.call(group, .clone(order), token: token) }
    }

    // MARK: The leader of the source

    mutating func serveClone(_ order: CloneOrder, _ progress: inout RequestProgress, into effects: inout [Effect]) throws(Interrupt) {
        let known = try readIndex(.catalog, Step(.readIndex, 1), &progress, into: &effects)
        try waitApplied(.catalog, known, Step(.applied, 1), &progress)
        guard let source = catalogRecord(order.source), source.isActive, let target = catalogRecord(order.target), target.isActive else {
            throw .failure(cloneFailure(order, .notFound, "it or \(order.target) has been deleted"))
        }
        if progress.clone == nil {
            let index = try readIndex(source.group, Step(.readIndex), &progress, into: &effects)
            try waitApplied(source.group, index, Step(.applied), &progress)
            progress.clone = try cloneWork(order, source, target)
        }
        guard var work = progress.clone else { return }
        let session = SessionContext(id: SessionID(0), filesystem: order.target, group: target.group, options: SessionOptions())
        let operation = FileOperation.clone(into: order.target, version: order.version)
        defer { progress.clone = work }
        try gather(&work, order, source, target, &progress)
        if work.envelope == nil {
            try stageParts(&work.publication, session, operation, &progress)
            guard let upload = work.publication.upload else { return }
            let context = CommandContext(time: civil, credentials: Credentials(user: 0, group: 0))
            let body = FilesCommand.Body.publish(
                upload, parts: work.parts, work.publication.digest, .tree(work.publication.info), context)
            work.envelope = FilesCommand(stamp: nil, at: civil, body: body).xdrBytes
        }
        guard let envelope = work.envelope else { return }
        let value = try step(Step(.propose), &progress) { node, token in
            node.call(target.group, .propose(envelope: envelope), token: token)
        }
        guard case .applied(_, let bytes) = value, let result = try? FilesResult(xdr: bytes) else { throw .failure(unexpected(operation)) }
        if case .failed(let failure) = result { throw .failure(failure) }
    }

    private func cloneWork(_ order: CloneOrder, _ source: FilesystemRecord, _ target: FilesystemRecord) throws(Interrupt) -> CloneWork {
        guard let files = groups[source.group]?.machine.files else {
            throw .failure(cloneFailure(order, .unavailable, "it is not here any more", "try again"))
        }
        let info = CommitInfo(author: order.author, message: "clone of \(source.label)\(order.version.map { " at \($0)" } ?? "")")
        let state: NamespaceState
        do throws(NamespaceError) {
            state = try files.namespace.clone(at: order.version, info: info, time: civil)
        } catch { throw .failure(FileFailure(error, operation: "clone")) }
        var writer = XDRWriter()
        var encoder = SnapshotEncoder(state)
        while let piece = encoder.next() { writer.write(opaque: piece) }
        let work = Publication(tree: state.tree, whole: nil, bytes: writer.bytes, digest: SHA256.hash(writer.bytes), info: info)
        var seen: Set<ChunkID> = []
        var chunks: [ChunkReference] = []
        state.forEachReferencedChunk { if seen.insert($0.id).inserted { chunks.append($0) } }
        let wanted = ChunkPlacement(plan: target.plan, policy: target.policy, table: regionTable())
        var shares = OrderedTable<NodeID, (region: RegionID, indices: [Int])>()
        for (index, chunk) in chunks.enumerated() {
            for destination in wanted.destinations(of: chunk.id) {
                var share = shares[destination.node] ?? (destination.region, [])
                share.indices.append(index)
                shares[destination.node] = share
            }
        }
        var batches: [(node: NodeID, region: RegionID, indices: [Int])] = []
        for (node, share) in shares {
            for start in stride(from: 0, to: share.indices.count, by: Self.gatheredAtOnce) {
                batches.append((node, share.region, Array(share.indices[start..<min(start + Self.gatheredAtOnce, share.indices.count)])))
            }
        }
        return CloneWork(
            publication: work, parts: work.parts, chunks: chunks, copies: chunks.map { _ in [] }, batches: batches)
    }

    /// Every chunk is where the new file system's durability wants it before its tree is published; the
    /// other copies go on to be fetched when it is applied.
    private mutating func gather(
        _ work: inout CloneWork, _ order: CloneOrder, _ source: FilesystemRecord, _ target: FilesystemRecord,
        _ progress: inout RequestProgress
    ) throws(Interrupt) {
        guard !work.batches.isEmpty, work.envelope == nil else { return }
        let rule = ChunkPlacement(plan: target.plan, policy: target.policy, table: regionTable()).rule
        var underWay = 0
        for (number, batch) in work.batches.enumerated() {
            let place = Step(.place, number)
            if let ended = progress.ended[place] {
                guard case .done = ended else { continue }
                if work.counted.insert(number).inserted { for index in batch.indices { work.copies[index].append(batch.region) } }
                continue
            }
            guard underWay < Self.gathersInFlight else { break }
            underWay += 1
            guard progress.begun[place] == nil else { continue }
            let wanted = batch.indices.map { work.chunks[$0] }
            do throws(Interrupt) {
                _ = try step(place, &progress) { node, token in
                    node.call(source.group, .bring(wanted), fixed: batch.node, token: token)
                }
            } catch { if case .failure = error { continue } }
        }
        if underWay > 0, !(work.copies.allSatisfy { rule.isSatisfied(copiesIn: $0) }) { throw .waiting }
        guard work.copies.allSatisfy({ rule.isSatisfied(copiesIn: $0) }) else {
            throw .failure(
                cloneFailure(order, .unavailable, "too few nodes could fetch its content", "nothing was made; try again when more are up"))
        }
    }
}

extension FilesMachine {
    /// The tree of a clone, taken up by a file system that has nothing of its own yet.
    mutating func adoptTree(_ bytes: [UInt8], _ info: CommitInfo, adopting: inout [ChunkReference]) -> FilesResult {
        func refuse(_ code: FileFailure.Code, _ cause: String) -> FilesResult {
            .failed(FileFailure(code, operation: "clone", object: filesystem.description, cause: cause))
        }
        guard namespace.version == VersionID(0), namespace.statistics.inodes <= 1 else { return refuse(.exists, "it is not empty") }
        var decoder = SnapshotDecoder()
        var state: NamespaceState
        do {
            var reader = XDRReader(bytes)
            while reader.remaining > 0 { try decoder.consume(Array(try reader.opaque(limit: SnapshotDecoder.pieceBytes))) }
            state = try decoder.finish()
        } catch { return refuse(.ioError, "its tree cannot be read: \(error)") }
        // What the new one was made with holds, but for what its pages are made of.
        var settings = namespace.settings
        settings.salt = state.settings.salt
        _ = state.apply(.configure(settings), context: CommandContext(time: state.history.latest.time))
        namespace = state
        var chunks: [ChunkReference] = []
        state.forEachReferencedChunk { chunks.append($0) }
        adopting = chunks
        return .done
    }
}
