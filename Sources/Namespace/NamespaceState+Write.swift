import Primitives

extension NamespaceState {
    mutating func writeExtents(
        _ id: InodeID, _ write: ExtentWrite, _ context: CommandContext
    ) throws(NamespaceError) -> NamespaceReply {
        var inode = try tree.file(id)
        try requireWritableContent(inode, id, context)
        var extents = write.extents
        if write.append {
            guard write.newSize == nil else { throw NamespaceError(.invalid, object: "\(id)", cause: "an append sets no size") }
            for index in extents.indices {
                let (offset, overflow) = extents[index].offset.addingReportingOverflow(inode.size)
                guard !overflow else { throw NamespaceError(.fileTooBig, object: "\(id)", cause: "the file would be too large") }
                extents[index].offset = offset
            }
        }
        let end = try FileContent.validate(extents, "\(id)")
        let size = write.newSize ?? max(inode.size, end)
        guard size <= NamespaceLimits.fileBytes else {
            throw NamespaceError(.fileTooBig, object: "\(id)", cause: "a file has at most \(NamespaceLimits.fileBytes) bytes")
        }
        guard end <= size else { throw NamespaceError(.invalid, object: "\(id)", cause: "content lies beyond the new size \(size)") }
        if extents.isEmpty, write.newSize == nil { return .object(ObjectReply(id, inode)) }
        try chargeWrite(extents, to: id)
        tree.resize(id, &inode, to: size)
        tree.write(extents, to: id, &inode)
        return finishWrite(id, &inode, write.modified, context)
    }

    /// Charges what a write adds beyond what it replaces, where there is a limit to charge it to.
    private func chargeWrite(_ extents: [Extent], to id: InodeID) throws(NamespaceError) {
        guard settings.maximumBytes != nil else { return }
        var added: UInt64 = 0
        var freed: UInt64 = 0
        for extent in extents {
            added += extent.length
            let range = extent.offset..<extent.end
            tree.forEachExtent(of: id, in: range) { old in
                freed += old.clipped(to: range).length
                return true
            }
        }
        try charge(inodes: 0, bytes: added > freed ? added - freed : 0, object: "\(id)")
    }

    mutating func writeInline(
        _ id: InodeID, _ write: InlineWrite, _ context: CommandContext
    ) throws(NamespaceError) -> NamespaceReply {
        var inode = try tree.file(id)
        try requireWritableContent(inode, id, context)
        let offset = write.append ? inode.size : write.offset
        let limit = UInt64(NamespaceLimits.inlineBytes)
        guard offset <= limit, UInt64(write.bytes.count) <= limit - offset else {
            throw NamespaceError(
                .invalid, object: "\(id)", cause: "inline content ends at byte \(limit) of a file at most",
                hint: "store the bytes as chunks")
        }
        if write.bytes.isEmpty, !write.truncate { return .object(ObjectReply(id, inode)) }
        let end = offset + UInt64(write.bytes.count)
        try charge(inodes: 0, bytes: end, object: "\(id)")
        let size = write.truncate ? end : max(inode.size, end)
        tree.resize(id, &inode, to: size)
        if !write.bytes.isEmpty {
            tree.clear(offset..<end, of: id, &inode)
            var bytes = tree.inlineBytes(of: id) ?? []
            while UInt64(bytes.count) < end { bytes.append(0) }
            bytes.replaceSubrange(Int(offset)..<Int(end), with: write.bytes)
            tree.setInline(bytes, of: id, &inode)
        }
        return finishWrite(id, &inode, write.modified, context)
    }

    mutating func zeroRange(
        _ id: InodeID, _ offset: UInt64, _ length: UInt64, _ extend: Bool, _ context: CommandContext
    ) throws(NamespaceError) -> NamespaceReply {
        var inode = try tree.file(id)
        try requireWritableContent(inode, id, context)
        guard length > 0 else { throw NamespaceError(.invalid, object: "\(id)", cause: "the range is empty") }
        let (end, overflow) = offset.addingReportingOverflow(length)
        guard !overflow, end <= NamespaceLimits.fileBytes else {
            throw NamespaceError(.fileTooBig, object: "\(id)", cause: "a file has at most \(NamespaceLimits.fileBytes) bytes")
        }
        tree.clear(offset..<end, of: id, &inode)
        if extend { inode.size = max(inode.size, end) }
        return finishWrite(id, &inode, nil, context)
    }

    private mutating func finishWrite(
        _ id: InodeID, _ inode: inout Inode, _ modified: WallTime?, _ context: CommandContext
    ) -> NamespaceReply {
        inode.modified = modified ?? context.time
        if !context.credentials.isRoot { inode.clearSetID() }
        inode.edit(stamp(context))
        tree.set(inode, for: id)
        return .object(ObjectReply(id, inode))
    }
}
