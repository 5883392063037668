#include "stream/sha256.h"

#include <openssl/evp.h>

#include <new>
#include <stdexcept>

#include "base/handle.h"

namespace snap::stream {

struct Sha256::State {
  State() {
    if (!context) throw std::bad_alloc();
  }
  Handle<EVP_MD_CTX, &EVP_MD_CTX_free> context{EVP_MD_CTX_new()};
};

namespace {

// A digest that silently failed would be garbage that matches nothing, or worse. It fails when
// memory ran out, which OpenSSL cannot always tell from an algorithm that it does not have.
void require(int ok) {
  if (ok != 1)
    throw std::runtime_error("OpenSSL gives no SHA-256: memory ran out, or it is set up without");
}

}  // namespace

Sha256::Sha256() : state_(std::make_unique<State>()) {
  require(EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr));
}

Sha256::Sha256(const Sha256& other) : state_(std::make_unique<State>()) {
  require(EVP_MD_CTX_copy_ex(state_->context.get(), other.state_->context.get()));
}

Sha256::~Sha256() = default;

void Sha256::update(Bytes data) {
  require(EVP_DigestUpdate(state_->context.get(), data.data(), data.size()));
}

Digest Sha256::digest() const {
  Sha256 copy(*this);
  Digest digest;
  require(EVP_DigestFinal_ex(copy.state_->context.get(),
                             reinterpret_cast<unsigned char*>(digest.data()), nullptr));
  return digest;
}

Digest sha256(Bytes data) {
  Sha256 hash;
  hash.update(data);
  return hash.digest();
}

}  // namespace snap::stream
