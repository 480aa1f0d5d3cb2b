/*
 * model_file.h - the model file, for model_write.c and model_read.c only.
 *
 * The file: attributes of the root say what it is ("recfuse model"), the file's own version, the model's name and
 * version, and its parameters as compact JSON; one contiguous 2-dimensional dataset an array, little-endian.  No
 * variable-length types, no object times: the same state gives the same bytes.
 *
 * The file ends in a seal, and is refused without it (base/image.h).
 */
#ifndef MODELS_MODEL_FILE_H
#define MODELS_MODEL_FILE_H
#include <hdf5.h>
#include <string.h>

#include "base/image.h"
#include "models/model_io.h"

#define FORMAT "recfuse model"
enum { FILE_VERSION = 1, TEXT_LIMIT = 60000 /* an attribute holds less than 64 KiB */ };

static inline hid_t file_type(enum array_type type)
{
    switch (type) {
    case ARRAY_F32:
        return H5T_IEEE_F32LE;
    case ARRAY_F64:
        return H5T_IEEE_F64LE;
    case ARRAY_U32:
        return H5T_STD_U32LE;
    case ARRAY_I64:
        return H5T_STD_I64LE;
    }
    return H5I_INVALID_HID;
}

static inline hid_t memory_type(enum array_type type)
{
    switch (type) {
    case ARRAY_F32:
        return H5T_NATIVE_FLOAT;
    case ARRAY_F64:
        return H5T_NATIVE_DOUBLE;
    case ARRAY_U32:
        return H5T_NATIVE_UINT32;
    case ARRAY_I64:
        return H5T_NATIVE_INT64;
    }
    return H5I_INVALID_HID;
}

/* HDF5 speaks through return values only, and loads no filter from anywhere. */
static inline void quiet_hdf5(void)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0);
}

#endif
