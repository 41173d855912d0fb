internal import COpenSSL

/// AES-256-GCM (NIST SP 800-38D) by libcrypto.
enum PacketSeal {
    static let keyLength = 32
    static let nonceLength = 12
    static let tagLength = 16

    /// Ciphertext followed by the tag.
    static func seal(_ plain: [UInt8], key: Secret, nonce: [UInt8], authenticated: [UInt8]) throws(TransportError) -> [UInt8] {
        precondition(key.bytes.count == keyLength && nonce.count == nonceLength, "AES-256-GCM takes 32 bytes of key and 12 of nonce")
        guard let context = EVP_CIPHER_CTX_new() else { throw Libcrypto.failure("seal", "packet") }
        defer { EVP_CIPHER_CTX_free(context) }
        var out = [UInt8](repeating: 0, count: plain.count + tagLength)
        var count: Int32 = 0
        var last: Int32 = 0
        let done = out.withUnsafeMutableBufferPointer { out in
            EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), nil, key.bytes, nonce) == 1
                && EVP_EncryptUpdate(context, nil, &count, authenticated, Int32(authenticated.count)) == 1
                && EVP_EncryptUpdate(context, out.baseAddress, &count, plain, Int32(plain.count)) == 1
                && EVP_EncryptFinal_ex(context, out.baseAddress! + Int(count), &last) == 1
                && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(tagLength), out.baseAddress! + plain.count) == 1
        }
        guard done else { throw Libcrypto.failure("seal", "packet") }
        return out
    }

    /// The plain bytes; nil where the tag does not fit: another key, or a byte was changed.
    static func open(_ sealed: ArraySlice<UInt8>, key: Secret, nonce: [UInt8], authenticated: [UInt8]) -> [UInt8]? {
        guard sealed.count >= tagLength, nonce.count == nonceLength, let context = EVP_CIPHER_CTX_new() else { return nil }
        defer {
            EVP_CIPHER_CTX_free(context)
            ERR_clear_error()
        }
        let cipher = Array(sealed.dropLast(tagLength))
        var tag = Array(sealed.suffix(tagLength))
        var out = [UInt8](repeating: 0, count: cipher.count + tagLength)
        var count: Int32 = 0
        var last: Int32 = 0
        let done = out.withUnsafeMutableBufferPointer { out in
            EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), nil, key.bytes, nonce) == 1
                && EVP_DecryptUpdate(context, nil, &count, authenticated, Int32(authenticated.count)) == 1
                && EVP_DecryptUpdate(context, out.baseAddress, &count, cipher, Int32(cipher.count)) == 1
                && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tagLength), &tag) == 1
                && EVP_DecryptFinal_ex(context, out.baseAddress! + Int(count), &last) == 1
        }
        guard done else { return nil }
        out.removeLast(tagLength)
        return out
    }
}
